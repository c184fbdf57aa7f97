use serde_json::json;

use super::*;

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"image": image}]}})
}

fn deployment(image: &str) -> Value {
    json!({
        "metadata": {"uid": "u", "annotations": {"team": "a", "kubernetes.io/change-cause": "now"}},
        "spec": {"template": template(image)},
    })
}

fn set(revision: &str, image: &str) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = revision.into();
    json!({
        "metadata": {
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": "u", "controller": true}],
        },
        "spec": {"template": template},
    })
}

/// The image that the template that is put back has, or what is said instead.
fn outcome(deployment: &Value, sets: &[Value], wanted: Option<i64>) -> String {
    match edit(deployment, sets, wanted, "shop-1") {
        Ok(Edit::Already(words)) => words,
        Ok(Edit::Write(wanted, _)) => {
            let labels = wanted.pointer("/spec/template/metadata/labels").unwrap();
            assert_eq!(labels, &json!({"app": "cart"}));
            wanted.pointer("/spec/template/spec/containers/0/image").unwrap().as_str().unwrap().to_owned()
        }
        Err(rule) => rule.to_string(),
    }
}

#[test]
fn the_one_before_is_the_newest_revision_with_another_template() {
    let [one, two, three] = [set("1", "a"), set("2", "b"), set("10", "c")];
    let sets = |sets: &[&Value]| sets.iter().map(|set| (*set).clone()).collect::<Vec<_>>();
    let foreign = |change: &dyn Fn(&mut Value)| {
        let mut set = set("5", "foreign");
        change(&mut set);
        set
    };
    let other = foreign(&|set| set["metadata"]["ownerReferences"][0]["uid"] = "other".into());
    let held = foreign(&|set| set["metadata"]["ownerReferences"][0]["controller"] = false.into());
    let orphan = foreign(&|set| set["metadata"] = json!({"annotations": {REVISION: "5"}}));
    let unnumbered = foreign(&|set| set["metadata"]["annotations"] = json!({}));
    let odd = foreign(&|set| set["metadata"]["annotations"][REVISION] = "five".into());
    let none = Rule::NoEarlier.to_string();
    for (name, image, sets, wanted, expected) in [
        ("the usual", "c", sets(&[&one, &three, &two]), None, "b"),
        ("the newest has no ReplicaSet yet", "d", sets(&[&one, &three, &two]), None, "c"),
        ("the newest revision is a way back already", "a", sets(&[&set("11", "a"), &three, &two]), None, "c"),
        ("one revision", "a", sets(&[&one]), None, none.as_str()),
        ("no revision", "a", sets(&[]), None, none.as_str()),
        (
            "sets of others",
            "a",
            sets(&[&one, &other, &held, &orphan, &unnumbered, &odd]),
            None,
            none.as_str(),
        ),
        ("a named one", "c", sets(&[&one, &three, &two]), Some(1), "a"),
        ("the current one", "c", sets(&[&one, &three, &two]), Some(10), "it has the template of revision 10"),
        (
            "one that is gone",
            "c",
            sets(&[&one, &three, &two]),
            Some(7),
            "there is no ReplicaSet of revision 7; there are: 10, 2, 1",
        ),
        ("none is there", "c", sets(&[]), Some(7), "there is no ReplicaSet of revision 7; there are: none"),
    ] {
        assert_eq!(outcome(&deployment(image), &sets, wanted), expected, "{name}");
    }
}

#[test]
fn a_deployment_is_marked_in_the_same_write_and_goes_back_once_for_each_rollout() {
    let mut first = set("1", "a");
    first["metadata"]["annotations"][CAUSE] = "then".into();
    let sets = [first, set("2", "b")];
    let Ok(Edit::Write(undone, words)) = edit(&deployment("b"), &sets, None, "shop-1") else { panic!() };
    assert_eq!(words, "put back to revision 1, a");
    let expected = json!({"team": "a", CAUSE: "then", MARK: "shop-1"});
    assert_eq!(undone.pointer("/metadata/annotations"), Some(&expected));
    let again = edit(&undone, &sets, None, "shop-1");
    assert_eq!(again, Ok(Edit::Already("it was put back for this rollout".to_owned())));
    assert_eq!(outcome(&undone, &sets, Some(2)), "b", "a named revision is what was asked for");
    let Ok(Edit::Write(forth, _)) = edit(&undone, &sets, None, "shop-2") else { panic!() };
    assert_eq!(forth.pointer("/metadata/annotations"), Some(&json!({"team": "a", MARK: "shop-2"})));
    let mut bare = deployment("b");
    for annotations in [None, Some(Value::Null)] {
        let metadata = bare["metadata"].as_object_mut().unwrap();
        metadata.remove("annotations");
        metadata.extend(annotations.map(|annotations| ("annotations".to_owned(), annotations)));
        assert_eq!(outcome(&bare, &sets, None), "a");
    }
}

#[test]
fn what_is_missing_or_paused_is_named() {
    let sets = [set("1", "a"), set("2", "b")];
    let without = |field: &str| {
        let mut deployment = deployment("b");
        let (parent, name) = field.rsplit_once('/').unwrap();
        deployment.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        outcome(&deployment, &sets, None)
    };
    assert_eq!(without("/spec/template"), "spec.template is missing");
    assert_eq!(without("/metadata/uid"), "metadata.uid is missing");
    let mut paused = deployment("b");
    paused["spec"]["paused"] = true.into();
    assert_eq!(outcome(&paused, &sets, None), "spec.paused must not be true; resume it first");
    assert_eq!(outcome(&paused, &sets, Some(2)), "it has the template of revision 2");
}

#[test]
fn a_selector_is_written_as_a_query_has_it() {
    let of = |selector: Value| selector_words(&json!({"spec": {"selector": selector}}));
    fn selector_words(deployment: &Value) -> String {
        selector(deployment).unwrap_or_else(|rule| rule.to_string())
    }
    assert_eq!(of(json!({"matchLabels": {"app": "cart", "arm": "b"}})), "app=cart,arm=b");
    let expressions = json!({"matchLabels": {"app": "cart"}, "matchExpressions": [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]});
    assert_eq!(of(expressions), "app=cart,a in (x,y),b notin (z),c,!d");
    assert_eq!(of(json!({})), "spec.selector is missing");
    assert_eq!(selector_words(&json!({})), "spec.selector is missing");
    let odd = json!({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]});
    assert_eq!(of(odd), "spec.selector.matchExpressions[].operator is missing");
}

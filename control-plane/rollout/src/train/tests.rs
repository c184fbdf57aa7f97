//! The order of a train, its gates and how far a rollback reaches.

mod order;

use std::collections::BTreeMap;

use super::*;

/// A plan of two steps for a service, with more lines.
fn plan_of(service: &str, more: &str) -> String {
    format!(
        "service: {service}\nhosts: [{service}.example]\nbaseline: v1\ncanary: v2\n\
         steps: [{{weight: 10%}}, {{weight: 50%}}]\n{more}"
    )
}

fn files(services: &[&str]) -> BTreeMap<String, String> {
    services.iter().map(|service| (format!("{service}.yaml"), plan_of(service, ""))).collect()
}

const TRAIN: &str = "
kind: train
name: spring-sale
members:
- {service: stock, plan: stock.yaml, region: eu}
- {service: shop, plan: shop.yaml, after: [{service: stock, weight: 10%}]}
- {service: pay, plan: pay.yaml, after: [{service: shop, step: 2}]}
gates:
- {before: shop, when: all_healthy}
- {before: pay, when: approval}
rollback: dependents
";

fn parse(yaml: &str) -> Result<TrainPlan, TrainErrors> {
    TrainPlan::parse(yaml, &files(&["stock", "shop", "pay"]))
}

#[test]
fn a_train_says_who_goes_out_in_which_order() {
    let plan = parse(TRAIN).unwrap();
    let services: Vec<_> = plan.members().iter().map(Member::service).collect();
    assert_eq!((plan.name(), services), ("spring-sale", vec!["stock", "shop", "pay"]));
    assert_eq!(plan.reach(), Reach::Dependents);
    assert!(!plan.together());
    assert_eq!(plan.members()[2].after[0].reaches, Milestone::Step(1));
    assert_eq!(TrainPlan::files_of(TRAIN).unwrap(), ["pay.yaml", "shop.yaml", "stock.yaml"]);
    let again = TrainPlan::parse(plan.source(), plan.files()).unwrap();
    assert_eq!(again, plan);
}

#[test]
fn a_plan_of_several_lines_stands_in_the_train_itself() {
    let inline = TRAIN
        .replace("plan: stock.yaml, region: eu}", "plan: \"service: stock\\nbaseline: v1\\ncanary: v2\\n\"}");
    let plan = TrainPlan::parse(&inline, &files(&["shop", "pay"])).unwrap();
    assert_eq!((plan.members()[0].service(), plan.files().len()), ("stock", 2));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_refusal_of_a_train_names_field_rule_and_place() {
    let cases = [
        ("kind: train", "kind: trains", "2:7: kind: unknown variant", "kind"),
        ("name: spring-sale", "name: 'spring sale'", "3:7: name: must be 1 to 64 letters", "name"),
        ("rollback: dependents", "rollback: some", "11:11", "rollback"),
        ("rollback: dependents", "rollbacks: all", "11:1", ""),
        (
            "service: stock, plan",
            "service: stocks, plan",
            "5:13: members[0].service: its plan is of service \"stock\"",
            "",
        ),
        (
            "service: stock, plan: stock.yaml",
            "service: shop, plan: shop.yaml",
            "members[1].service: is given twice",
            "",
        ),
        ("plan: pay.yaml", "plan: paid.yaml", "members[2].plan: the file \"paid.yaml\" did not come", ""),
        ("region: eu", "region: ''", "members[0].region: must be 1 to 64 bytes", ""),
        (
            "service: stock, weight: 10%",
            "service: stocks, weight: 10%",
            "members[1].after[0]: \"stocks\" is no member",
            "",
        ),
        (
            "service: stock, weight: 10%",
            "service: shop, weight: 10%",
            "members[1].after[0]: a member cannot come after itself",
            "",
        ),
        (
            "service: stock, weight: 10%",
            "service: stock, weight: much",
            "members[1].after[0].weight: must be a percentage",
            "",
        ),
        ("step: 2", "step: 3", "members[2].after[0]: the plan of shop has 2 steps", ""),
        ("step: 2", "step: 0", "members[2].after[0].step: must be 1 or more", ""),
        ("step: 2", "step: 2, weight: 5%", "members[2].after[0]: shop: either step or weight", ""),
        ("region: eu", "after: [pay]", "members[0].after: members wait for each other", ""),
        (
            "before: shop",
            "before: shops",
            "gates[0].before: \"shops\" is no member of the train, nor `promotion`",
            "",
        ),
        ("before: shop", "before: promotion", "gates[0].before: only a train with together: true", ""),
        (
            "{before: shop, when: all_healthy}",
            "{before: pay, when: approval}",
            "gates[1].before: is given twice",
            "",
        ),
        ("rollback: dependents", "together: true\nrollback: all\ngates2: []", "13:1", ""),
    ];
    for (from, to, expected, _) in cases {
        assert!(TRAIN.contains(from), "{from}");
        let words = parse(&TRAIN.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(words.contains(expected), "{to}: {words}");
    }
    let together = TRAIN.replace("{service: stock, weight: 10%}", "stock") + "together: true\n";
    let words = parse(&together).unwrap_err().to_string();
    assert!(words.contains("members[1].after[0]: with together: true none is promoted before"), "{words}");
    let mut wrong = files(&["stock", "shop", "pay"]);
    wrong.insert("pay.yaml".to_owned(), plan_of("pay", "warm_up: soon\n"));
    let words = TrainPlan::parse(TRAIN, &wrong).unwrap_err().to_string();
    assert!(words.contains("members[2].plan: pay.yaml, line 6, column 10: warm_up"), "{words}");
    let experiment = "kind: experiment\nservice: pay\nbaseline: v1\narms: [{name: a, version: v2, weight: 10%}]\nduration: 1d\n";
    wrong.insert("pay.yaml".to_owned(), experiment.to_owned());
    let words = TrainPlan::parse(TRAIN, &wrong).unwrap_err().to_string();
    assert!(words.contains("is an experiment, which cannot be part of a train"), "{words}");
}

#[test]
fn a_plan_that_is_wrong_is_not_told_as_a_member_that_is_missing() {
    let mut wrong = files(&["shop", "pay"]);
    wrong.insert("stock.yaml".to_owned(), plan_of("stock", "warm_up: soon\n"));
    let words = TrainPlan::parse(TRAIN, &wrong).unwrap_err().to_string();
    assert!(words.contains("members[0].plan: stock.yaml") && !words.contains("is no member"), "{words}");
}

#[test]
fn what_is_wrong_with_what_a_member_comes_after_is_said() {
    let cases = [
        ("{service: stock, steps: 2}", "unknown field `steps`"),
        ("{service: stock, step: two}", "members[1].after[0].step"),
        ("{service: stock, step: 99999999999}", "members[1].after[0].step"),
        ("{weight: 10%}", "missing field `service`"),
        ("[stock]", "the service of a member, or {service: …} with a step or a weight"),
    ];
    for (after, expected) in cases {
        let yaml = TRAIN.replace("{service: stock, weight: 10%}", after);
        let words = parse(&yaml).unwrap_err().to_string();
        assert!(words.contains(expected), "{after}: {words}");
    }
}

#[test]
fn the_number_of_members_is_checked_before_their_plans_are_read() {
    let many = |count: usize| {
        let members = (0..count).map(|number| format!("- {{service: s{number}, plan: s{number}.yaml}}\n"));
        let members =
            if count == 0 { " []\n".to_owned() } else { format!("\n{}", members.collect::<String>()) };
        format!("kind: train\nname: many\nmembers:{members}")
    };
    assert_eq!(TrainPlan::files_of(&many(bounds::MEMBERS)).unwrap().len(), bounds::MEMBERS);
    for (count, expected) in [
        (0, "members: must be 1 to 20, not 0"),
        (21, "members: must be 1 to 20, not 21"),
        (1_500, "members: must be 1 to 20, not 1500"),
        (10_000, "exceeds the limit of 65536 bytes"),
    ] {
        let words = TrainPlan::files_of(&many(count)).unwrap_err().to_string();
        assert!(words.contains(expected), "{count}: {words}");
    }
}

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::{Creation, RolloutId, Salt, Trial, UnixMillis, create, replay};

const PLAN: &str = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n\
    - {name: cart, matches: [{path: {prefix: /cart}}], granularity: coarse, business_weight: 3, owner: team-a, depends_on: []}\n\
    - {name: pay, matches: [{path: {prefix: /pay}}]}\n\
    - {name: home, matches: [{path: {exact: /}}], feature: home}\n\
    - name: search\n  matches: [{path: {prefix: /search}}]\n  granularity: fine\n  \
      blocks: [{name: tax, current: t2, previous: [t1]}]\n  depends_on: [home]\n";

fn plan() -> Plan {
    Plan::parse(PLAN).unwrap()
}

fn taken(component: &str, tag: TakenTag) -> Taken {
    let from = TakenFrom::Routes { routes: vec!["r".to_owned()] };
    Taken { component: component.to_owned(), tag, from }
}

fn granularity(component: &str, granularity: Granularity) -> Taken {
    taken(component, TakenTag::Granularity { granularity })
}

fn weight(component: &str, thousandths: u32) -> Taken {
    taken(component, TakenTag::BusinessWeight { thousandths })
}

fn owner(component: &str, owner: &str) -> Taken {
    taken(component, TakenTag::Owner { owner: owner.to_owned() })
}

fn edge(component: &str, needed: &str, on_rollback: OnRollback) -> Taken {
    taken(component, TakenTag::DependsOn { needed: needed.to_owned(), on_rollback })
}

fn needs<'a>(plan: &'a Plan, component: &str) -> Vec<(&'a str, OnRollback)> {
    plan.depends_on(component).collect()
}

#[test]
fn what_the_plan_leaves_open_is_taken_and_in_force() {
    let offered = [
        granularity("pay", Granularity::Coarse),
        weight("pay", 2_500),
        owner("pay", "team-b"),
        edge("pay", "cart", OnRollback::Move),
        edge("pay", "stock/items", OnRollback::Move),
        edge("home", "pay", OnRollback::Disable),
    ];
    let (with, not_taken) = plan().taking(&offered);
    assert_eq!((with.taken(), not_taken), (&offered[..], Vec::new()));
    let pay = with.component("pay").unwrap();
    assert_eq!((pay.granularity, pay.business_weight, pay.owner), (Granularity::Coarse, 2.5, Some("team-b")));
    assert_eq!(needs(&with, "pay"), [("cart", OnRollback::Move), ("stock/items", OnRollback::Move)]);
    assert_eq!(with.needed_services().iter().collect::<Vec<_>>(), ["stock"]);
    let undone = with.undone_with(&["cart".to_owned()].into());
    // The home page is off without pay, and the plan's own search cannot work without the home page.
    assert_eq!(undone.moved, ["cart", "pay", "search"].map(str::to_owned).into());
    assert_eq!(undone.disabled, ["home".to_owned()].into());
}

#[test]
fn a_rollout_that_is_taken_up_elsewhere_goes_by_what_it_took() {
    let with = plan().with_taken(&[weight("pay", 2_500), edge("pay", "cart", OnRollback::Move)]);
    let creation =
        Creation { id: RolloutId("r-1".to_owned()), salt: Salt(7), actor: "anna".to_owned(), paused: false };
    let begun = create(&with, creation, UnixMillis(0));
    let trial = Trial::take_up(plan(), begun.state, None).unwrap();
    assert_eq!(trial.plan(), &with);
    assert_eq!(begun.effects.len(), 3);
    let text = "shop v2: Created; warming up; 2 tags taken where the plan is silent";
    assert!(
        matches!(&begun.effects[2], crate::Effect::Notify(notice) if notice.text == text),
        "{:?}",
        begun.effects[2]
    );
}

#[test]
fn what_cannot_be_taken_says_which_rule_it_breaks() {
    for (offered, words) in [
        (granularity("cart", Granularity::Medium), "the plan gives it"),
        (weight("cart", 1_000), "the plan gives it"),
        (owner("cart", "b"), "the plan gives it"),
        (edge("cart", "pay", OnRollback::Move), "the plan gives it"),
        (edge("search", "pay", OnRollback::Move), "the plan gives it"),
        (granularity("gone", Granularity::Coarse), "there is no component \"gone\" in this plan"),
        (
            granularity("pay", Granularity::Fine),
            "a component of granularity fine needs blocks, which only the plan can name",
        ),
        (weight("pay", 0), "must be between 0.001 and 1000"),
        (weight("pay", 1_000_001), "must be between 0.001 and 1000"),
        (owner("pay", ""), "must not be empty"),
        (owner("pay", &"x".repeat(129)), "exceeds the limit of 128"),
        (owner("pay", "a\nb"), "\"a\\nb\" is not text without control characters"),
        (edge("pay", "gone", OnRollback::Move), "there is no component \"gone\" in this plan"),
        (edge("pay", "pay", OnRollback::Stay), "must not lead back: pay needs pay"),
        (edge("home", "search", OnRollback::Move), "must not lead back: home needs search needs home"),
        (
            edge("pay", "cart", OnRollback::Disable),
            "a component that is disabled needs a `feature` to switch off",
        ),
    ] {
        let (with, not_taken) = plan().taking(std::slice::from_ref(&offered));
        assert_eq!(
            not_taken.iter().map(|one| one.rule.to_string()).collect::<Vec<_>>(),
            [words],
            "{offered}"
        );
        assert_eq!(with, plan());
    }
    let omitted = |offered| plan().taking(&[offered]).1[0].omitted();
    let Omitted { component, words } = omitted(weight("pay", 0)).unwrap();
    assert_eq!(component, "pay");
    assert_eq!(words, "business_weight: 0 by route r is not taken: must be between 0.001 and 1000");
    assert_eq!(omitted(weight("cart", 1)), None);
}

#[test]
fn observed_calls_stand_beside_what_is_declared_and_never_lead_back_but_by_stay() {
    let call = |component: &str, needed: &str, on_rollback| {
        let from = TakenFrom::ObservedCalls { calls: 5, canary_only: false };
        Taken { from, ..edge(component, needed, on_rollback) }
    };
    let offered = [
        call("cart", "pay", OnRollback::Move),
        call("pay", "cart", OnRollback::Move),
        call("search", "home", OnRollback::Stay),
        call("home", "search", OnRollback::Move),
        call("home", "home", OnRollback::Stay),
    ];
    let (with, not_taken) = plan().taking(&offered);
    assert_eq!(
        needs(&with, "cart"),
        [("pay", OnRollback::Move)],
        "the plan says that cart needs nothing declared"
    );
    assert_eq!(needs(&with, "pay"), [("cart", OnRollback::Stay)]);
    assert_eq!(needs(&with, "search"), [("home", OnRollback::Move)], "what is declared holds");
    assert_eq!(needs(&with, "home"), [("search", OnRollback::Stay)]);
    let rules: Vec<_> = not_taken.iter().map(|one| one.rule.to_string()).collect();
    assert_eq!(rules, ["it is there already", "must not lead back: home needs home"]);
    assert_eq!(plan().with_taken(with.taken()), with);
    // An edge that stays widens no rollback, and names the callee where both regress.
    let both = ["pay", "cart"].map(str::to_owned).into();
    let stays = plan().with_taken(&[call("pay", "cart", OnRollback::Stay)]);
    assert_eq!(stays.undone_with(&["cart".to_owned()].into()).moved, ["cart".to_owned()].into());
    assert_eq!(stays.causes_among(&both), ["cart".to_owned()].into());
    assert_eq!(plan().causes_among(&both), both);
}

#[test]
fn the_number_of_taken_tags_has_a_bound() {
    let edges: Vec<_> =
        (0..=bounds::TAKEN).map(|at| edge("pay", &format!("s{at}/c"), OnRollback::Move)).collect();
    let (with, not_taken) = plan().taking(&edges);
    assert_eq!((with.taken().len(), not_taken.len()), (bounds::TAKEN, 1));
    assert_eq!(not_taken[0].rule, TakeRule::TooMany);
}

#[test]
fn a_journal_from_before_tags_were_taken_takes_none() {
    let event = format!(
        r#"{{"format":1,"rollout":"r-1","revision":1,"at":0,"actor":"anna","kind":"created","plan":{PLAN:?},"salt":"{}"}}"#,
        "0".repeat(32)
    );
    let event: crate::Event = serde_json::from_str(&event).unwrap();
    let (replayed, state) = replay([&event]).unwrap();
    assert_eq!((replayed, state.taken), (plan(), Vec::new()));
}

fn offers() -> impl Strategy<Value = Vec<Taken>> {
    let component = select(vec!["cart", "pay", "home", "search", "gone"]);
    let needed = select(vec!["cart", "pay", "home", "search", "gone", "stock/items", "a/b/c", ""]);
    let kind = select(vec![OnRollback::Move, OnRollback::Disable, OnRollback::Stay]);
    let granularities = select(vec![Granularity::Coarse, Granularity::Medium, Granularity::Fine]);
    let tag = prop_oneof![
        granularities.prop_map(|granularity| TakenTag::Granularity { granularity }),
        prop_oneof![0..3_u32, any::<u32>()].prop_map(|thousandths| TakenTag::BusinessWeight { thousandths }),
        select(vec!["", "team", "a\u{7}"]).prop_map(|owner| TakenTag::Owner { owner: owner.to_owned() }),
        (needed, kind)
            .prop_map(|(needed, on_rollback)| TakenTag::DependsOn { needed: needed.to_owned(), on_rollback }),
    ];
    let one = (component, tag, any::<bool>()).prop_map(|(component, tag, observed)| {
        let is_edge = matches!(tag, TakenTag::DependsOn { .. });
        let from = if observed && is_edge {
            TakenFrom::ObservedCalls { calls: 7, canary_only: false }
        } else {
            TakenFrom::Routes { routes: vec!["r".to_owned()] }
        };
        Taken { from, ..taken(component, tag) }
    });
    proptest::collection::vec(one, 0..40)
}

/// The plan that says itself what `plan` says and took.
fn written(plan: &Plan) -> String {
    let mut yaml = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n".to_owned();
    for component in plan.components() {
        let matches = serde_json::to_string(
            &plan.template.components.iter().find(|one| one.name == component.name).unwrap().matches,
        );
        let (name, matches) = (component.name, matches.unwrap());
        let (granularity, weight) = (word(component.granularity), component.business_weight);
        let needs = plan
            .depends_on(name)
            .map(|(name, kind)| format!("{{component: {name}, on_rollback: {}}}", kind.name()));
        let needs = needs.collect::<Vec<_>>().join(", ");
        yaml += &format!(
            "- name: {name}\n  matches: {matches}\n  granularity: {granularity}\n  business_weight: {weight}\n  \
             depends_on: [{needs}]\n"
        );
        if let Some(owner) = component.owner {
            yaml += &format!("  owner: {owner:?}\n");
        }
        if let Some(feature) = component.feature {
            yaml += &format!("  feature: {feature}\n");
        }
        if !component.blocks.is_empty() {
            yaml += "  blocks: [{name: tax, current: t2, previous: [t1]}]\n";
        }
    }
    yaml
}

proptest! {
    #[test]
    fn what_is_taken_overrides_nothing_passes_the_checks_of_a_plan_and_replays(offered in offers()) {
        let plan = plan();
        prop_assert_eq!(&plan.with_taken(&[]), &plan);
        let (with, not_taken) = plan.taking(&offered);
        prop_assert_eq!(with.taken().len() + not_taken.len(), offered.len());
        prop_assert_eq!(&plan.with_taken(with.taken()), &with);
        prop_assert_eq!(&with.with_taken(with.taken()), &with);
        for (before, after) in plan.components().zip(with.components()) {
            prop_assert!(!before.said.granularity || before.granularity == after.granularity);
            prop_assert!(!before.said.business_weight || before.business_weight == after.business_weight);
            prop_assert!(!before.said.owner || before.owner == after.owner);
            // What is declared stays as it is, also beside observed calls.
            let kept = needs(&with, after.name);
            prop_assert!(needs(&plan, before.name).iter().all(|edge| kept.contains(edge)));
            let more = with.taken().iter().any(|one| {
                one.component == before.name && matches!(one.from, TakenFrom::ObservedCalls { .. })
            });
            prop_assert!(!before.said.depends_on || more || needs(&plan, before.name) == kept);
        }
        // The parser's own rules, for a plan in which everything is written down.
        let parsed = Plan::parse(&written(&with)).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        for (taken, written) in with.components().zip(parsed.components()) {
            prop_assert_eq!(
                (taken.name, taken.granularity, taken.business_weight, taken.owner),
                (written.name, written.granularity, written.business_weight, written.owner)
            );
            prop_assert_eq!(needs(&with, taken.name), needs(&parsed, written.name));
        }
        let creation =
            Creation { id: RolloutId("r-1".to_owned()), salt: Salt(7), actor: "anna".to_owned(), paused: false };
        let begun = create(&with, creation, UnixMillis(0));
        let stored = serde_json::to_string(&begun.events()[0]).unwrap();
        let event: crate::Event = serde_json::from_str(&stored).unwrap();
        let (replayed, state) = replay([&event]).unwrap();
        prop_assert_eq!((&replayed, &state), (&with, &begun.state));
        let state: crate::State = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        prop_assert_eq!(state.taken.as_slice(), with.taken());
    }
}

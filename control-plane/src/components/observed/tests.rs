use super::*;
use crate::components::merge::tests::{find, planned};
use crate::components::{merge, offer};
use serin_rollout::plan::ObservedCalls as Kind;

fn seen(component: &str, needed: &str, calls: u64, canary: u64) -> Observed {
    Observed {
        service: "shop".to_owned(),
        component: component.to_owned(),
        needed: needed.to_owned(),
        calls,
        baseline: 0,
        canary,
        last_seen: UnixMillis(5),
    }
}

fn of(observed: &[Observed], name: &str) -> Component {
    let rollouts = [planned()];
    let mut components = merge(&rollouts, &[]);
    add(&mut components, &rollouts, observed);
    find(&components, name)
}

#[test]
fn observed_calls_stand_beside_what_is_declared() {
    let observed = [seen("cart", "pay", 7, 0), seen("cart", "stock/items", 3, 3), seen("gone", "pay", 1, 0)];
    let calls = of(&observed, "cart").calls;
    let shown: Vec<_> =
        calls.iter().map(|one| (one.needed.as_str(), one.calls, one.canary_only, one.standing)).collect();
    assert_eq!(
        shown,
        [("pay", 7, false, Standing::Declared), ("stock/items", 3, true, Standing::Undeclared)]
    );
    assert_eq!(of(&observed, "pay").calls, []);
}

#[test]
fn a_declared_need_that_is_never_called_is_a_contradiction_once_enough_was_seen() {
    let words = |calls| of(&[seen("cart", "stock/items", calls, 0)], "cart").contradictions;
    assert_eq!(words(99), Vec::<String>::new());
    assert_eq!(
        words(100),
        ["depends_on: pay is declared, but none of 100 observed calls goes there directly"]
    );
    let both = [seen("cart", "stock/items", 100, 0), seen("cart", "pay", 1, 0)];
    assert_eq!(of(&both, "cart").contradictions, Vec::<String>::new());
}

#[test]
fn a_rollout_takes_observed_calls_as_its_plan_says() {
    let yaml = |kind: &str| {
        format!(
            "service: shop\nbaseline: v1\ncanary: v2\nobserved_calls: {kind}\ncomponents:\n\
             - {{name: cart, matches: [{{path: {{prefix: /cart}}}}], depends_on: [pay]}}\n\
             - {{name: pay, matches: [{{path: {{prefix: /pay}}}}]}}\n\
             - {{name: home, matches: [{{path: {{exact: /}}}}], depends_on: []}}\n"
        )
    };
    let observed = [
        seen("cart", "pay", 9, 0),
        seen("pay", "cart", 8, 0),
        seen("pay", "stock/items", 7, 7),
        seen("home", "cart", 6, 0),
        seen("gone", "cart", 5, 0),
    ];
    let taken = |kind: &str| {
        let plan = serin_rollout::Plan::parse(&yaml(kind)).unwrap();
        let (with, omitted) = offer::taking(&plan, &[], &observed);
        assert_eq!(omitted, []);
        with.taken().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(serin_rollout::Plan::parse(&yaml("stay")).unwrap().observed_calls(), Kind::Stay);
    assert_eq!(taken("ignore"), Vec::<String>::new());
    assert_eq!(
        taken("stay"),
        [
            "pay: depends_on cart (stay) by 8 observed calls",
            "pay: depends_on stock/items (stay) by 7 observed calls, all of the canary",
            "home: depends_on cart (stay) by 6 observed calls",
        ]
    );
    // Where it would lead back, the edge only tells.
    assert_eq!(
        taken("move"),
        [
            "pay: depends_on cart (stay) by 8 observed calls",
            "pay: depends_on stock/items by 7 observed calls, all of the canary",
            "home: depends_on cart by 6 observed calls",
        ]
    );
}

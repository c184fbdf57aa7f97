use std::fmt::Write as _;

use proptest::prelude::*;
use serin_rollout::Plan;
use serin_rollout::plan::{OnRollback, Undone};

use super::*;

/// A plan of components, each with edges to earlier ones.
fn plan(edges: &[Vec<(usize, OnRollback)>]) -> Plan {
    let mut yaml = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n".to_owned();
    for (index, needs) in edges.iter().enumerate() {
        let needs: Vec<String> = needs
            .iter()
            .map(|(to, mode)| format!("{{component: c{to}, on_rollback: {}}}", mode.name()))
            .collect();
        writeln!(
            yaml,
            "- {{name: c{index}, matches: [{{path: {{exact: /c{index}}}}}], granularity: medium, feature: f{index}, depends_on: [{}]}}",
            needs.join(", ")
        )
        .unwrap();
    }
    Plan::parse(&yaml).unwrap()
}

/// The same as the API tells it.
fn rollout(plan: &Plan) -> api::Rollout {
    let component = |one: serin_rollout::plan::PlannedComponent<'_>| {
        let of = |wanted: OnRollback| {
            plan.depends_on(one.name)
                .filter(|(_, mode)| *mode == wanted)
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        api::Component {
            name: one.name.to_owned(),
            returns_with: of(OnRollback::Move),
            switched_off_with: of(OnRollback::Disable),
            arms: vec![api::ArmSummary { arm: "canary".to_owned(), requests: 10, ..Default::default() }],
            ..Default::default()
        }
    };
    api::Rollout {
        service: "shop".to_owned(),
        arms: vec![api::ArmSummary { arm: "canary".to_owned(), requests: 1_000, ..Default::default() }],
        components: plan.components().map(component).collect(),
        ..Default::default()
    }
}

fn edges() -> impl Strategy<Value = Vec<Vec<(usize, OnRollback)>>> {
    let mode = prop_oneof![Just(OnRollback::Move), Just(OnRollback::Disable), Just(OnRollback::Stay)];
    let rows = prop::collection::vec(prop::collection::btree_map(0_usize..8, mode, 0..4), 1..8);
    rows.prop_map(|rows| {
        let earlier = |(index, row): (usize, std::collections::BTreeMap<usize, OnRollback>)| {
            row.into_iter().filter(|(to, _)| *to < index).collect()
        };
        rows.into_iter().enumerate().map(earlier).collect()
    })
}

proptest! {
    #[test]
    fn what_would_move_is_what_the_rollout_itself_moves(edges in edges(), pick in 0_usize..8) {
        let plan = plan(&edges);
        let name = format!("c{}", pick % edges.len());
        let Undone { moved, disabled } = plan.undone_with(&[name.clone()].into());
        let radius = radius(&rollout(&plan), &[], Scope::Component(&name));
        prop_assert_eq!(radius.returns.iter().cloned().collect::<BTreeSet<_>>(), moved.clone());
        prop_assert_eq!(radius.switched_off.iter().cloned().collect::<BTreeSet<_>>(), disabled.clone());
        prop_assert_eq!(radius.moved, 10 * moved.len() as u64);
        prop_assert_eq!(radius.keeps.len(), edges.len() - moved.len() - disabled.len());
    }
}

fn known(
    service: &str,
    name: &str,
    returns_with: &[&str],
    granularity: api::Granularity,
) -> api::KnownComponent {
    api::KnownComponent {
        service: service.to_owned(),
        name: name.to_owned(),
        rollout_id: format!("{service}-1"),
        returns_with: returns_with.iter().map(|one| (*one).to_owned()).collect(),
        granularity: granularity.into(),
        ..Default::default()
    }
}

#[test]
fn other_services_follow_and_as_a_whole_where_what_follows_is_coarse() {
    let shop = rollout(&plan(&[vec![], vec![(0, OnRollback::Move)], vec![]]));
    let others = [
        known("web", "basket", &["shop/c1"], api::Granularity::Medium),
        known("web", "home", &[], api::Granularity::Medium),
        known("mail", "offers", &["web/basket"], api::Granularity::Coarse),
        known("mail", "news", &[], api::Granularity::Medium),
        known("stock", "count", &["shop/c2"], api::Granularity::Medium),
    ];
    let radius = radius(&shop, &others, Scope::Component("c0"));
    assert_eq!(radius.returns, ["c0", "c1"]);
    assert_eq!(radius.because, [("c1".to_owned(), vec!["c0".to_owned()])].into());
    assert_eq!(radius.keeps, ["c2"]);
    assert_eq!(radius.elsewhere, ["mail/news", "mail/offers", "web/basket"]);
}

#[test]
fn what_returned_before_does_not_move_again() {
    let mut shop = rollout(&plan(&[vec![], vec![(0, OnRollback::Move)]]));
    shop.components[1].rolled_back = true;
    let radius = radius(&shop, &[], Scope::Component("c0"));
    assert_eq!((radius.returns, radius.moved), (vec!["c0".to_owned()], 10));
}

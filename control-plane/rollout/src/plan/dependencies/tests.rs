use proptest::prelude::*;

use super::*;
use crate::Plan;

fn plan(edges: &[(&str, &[&str])]) -> Result<Plan, String> {
    let components = edges.iter().map(|(name, needs)| {
        format!(
            "  - {{name: {name}, matches: [{{path: {{prefix: /{name}}}}}], depends_on: [{}]}}\n",
            needs.join(", ")
        )
    });
    let yaml = format!(
        "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n{}",
        components.collect::<Vec<_>>().concat()
    );
    Plan::parse(&yaml).map_err(|errors| errors.to_string())
}

fn names(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

fn moved(edges: &[(&str, &[&str])], regressed: &[&str]) -> BTreeSet<String> {
    plan(edges).unwrap().undone_with(&names(regressed)).moved
}

#[test]
fn a_chain_returns_from_the_regressed_component_upwards() {
    let chain: [(&str, &[&str]); 4] =
        [("web", &["cart"]), ("cart", &["price"]), ("price", &["tax"]), ("tax", &[])];
    assert_eq!(moved(&chain, &["tax"]), names(&["tax", "price", "cart", "web"]));
    assert_eq!(moved(&chain, &["cart"]), names(&["cart", "web"]));
    assert_eq!(moved(&chain, &["web"]), names(&["web"]));
}

#[test]
fn a_diamond_returns_whole_from_its_bottom_and_one_side_from_a_side() {
    let diamond: [(&str, &[&str]); 4] =
        [("top", &["left", "right"]), ("left", &["base"]), ("right", &["base"]), ("base", &[])];
    assert_eq!(moved(&diamond, &["base"]), names(&["base", "left", "right", "top"]));
    assert_eq!(moved(&diamond, &["left"]), names(&["left", "top"]));
    let plan = plan(&diamond).unwrap();
    assert_eq!(plan.needs_of("top", &names(&["base", "right", "top"])), names(&["base", "right"]));
    assert_eq!(plan.needs_of("left", &names(&["right", "top"])), names(&[]));
}

#[test]
fn an_owner_chooses_what_becomes_of_a_dependent() {
    let yaml = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n\
        \x20 - {name: tax, matches: [{path: {prefix: /tax}}]}\n\
        \x20 - {name: cart, matches: [{path: {prefix: /cart}}], depends_on: [tax]}\n\
        \x20 - {name: tips, matches: [{path: {prefix: /tips}}], feature: tips, \
              depends_on: [{component: cart, on_rollback: disable}]}\n\
        \x20 - {name: home, matches: [{path: {exact: /}}], depends_on: [{component: cart, on_rollback: stay}, tips]}\n\
        \x20 - {name: news, matches: [{path: {exact: /news}}], depends_on: [{component: home, on_rollback: stay}]}\n";
    let plan = Plan::parse(yaml).unwrap();
    let undone = plan.undone_with(&names(&["tax"]));
    // The home page only calls the cart, but cannot work without tips, which are off.
    assert_eq!(undone.moved, names(&["tax", "cart", "home"]));
    assert_eq!(undone.disabled, names(&["tips"]));
    assert_eq!(plan.causes_among(&names(&["news", "home", "tax"])), names(&["tax"]));
    assert_eq!(plan.causes_among(&names(&["news", "tips"])), names(&["tips"]));
}

#[test]
fn a_component_of_another_service_moves_what_needs_it() {
    let plan = plan(&[("cart", &["stock/reserve"]), ("web", &["cart"]), ("home", &[])]).unwrap();
    assert_eq!(plan.needed_services(), &names(&["stock"]));
    assert_eq!(plan.undone_with(&names(&["stock/reserve"])).moved, names(&["stock/reserve", "cart", "web"]));
    assert_eq!(plan.undone_with(&names(&["stock/count"])).moved, names(&["stock/count"]));
}

#[test]
fn components_that_call_each_other_are_both_the_likely_cause() {
    let stay = |name: &str, of: &str| {
        format!(
            "  - {{name: {name}, matches: [{{path: {{prefix: /{name}}}}}], depends_on: [{{component: {of}, on_rollback: stay}}]}}\n"
        )
    };
    let yaml = format!(
        "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n{}{}{}",
        stay("a", "b"),
        stay("b", "a"),
        stay("c", "a")
    );
    let plan = Plan::parse(&yaml).unwrap();
    assert_eq!(plan.causes_among(&names(&["a", "b", "c"])), names(&["a", "b"]));
    assert_eq!(plan.undone_with(&names(&["a"])).moved, names(&["a"]));
}

/// Nodes, and edges from later to earlier ones.
fn graph() -> impl Strategy<Value = (usize, Vec<(usize, usize, OnRollback)>, Vec<usize>)> {
    (1..9_usize).prop_flat_map(|nodes| {
        let mode = prop_oneof![
            3 => Just(OnRollback::Move),
            1 => Just(OnRollback::Disable),
            1 => Just(OnRollback::Stay)
        ];
        let edge =
            (0..nodes, 0..nodes, mode).prop_map(|(one, other, mode)| (one.max(other), one.min(other), mode));
        let edges = prop::collection::vec(edge, 0..3 * nodes)
            .prop_map(|edges| edges.into_iter().filter(|(from, to, _)| from != to).collect());
        (Just(nodes), edges, prop::collection::vec(0..nodes, 1..=nodes))
    })
}

fn node(index: usize) -> String {
    format!("c{index}")
}

/// What became of a node.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Fate {
    Stays,
    Off,
    Moves,
}

/// Fates of the nodes from a number: three each.
fn fates(nodes: usize, number: usize) -> Vec<Fate> {
    let digit = |at: u32| [Fate::Stays, Fate::Off, Fate::Moves][number / 3_usize.pow(at) % 3];
    (0..nodes as u32).map(digit).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_moves_is_the_smallest_set_that_is_closed_under_cannot_work_without(
        (nodes, edges, regressed) in graph(),
    ) {
        let mut needs: BTreeMap<String, BTreeMap<String, OnRollback>> = BTreeMap::new();
        for (from, to, mode) in &edges {
            needs.entry(node(*from)).or_default().insert(node(*to), *mode);
        }
        // Of edges given twice the last one counts.
        let edges: Vec<(usize, usize, OnRollback)> = edges
            .iter()
            .map(|(from, to, _)| (*from, *to, needs[&node(*from)][&node(*to)]))
            .collect();
        let dependencies = Dependencies(needs);
        prop_assert!((0..nodes).all(|at| dependencies.cycle_of(&node(at)).is_none()));
        let is_closed = |fates: &[Fate]| {
            regressed.iter().all(|at| fates[*at] == Fate::Moves)
                && edges.iter().all(|(from, to, mode)| {
                    let gone = fates[*to] != Fate::Stays;
                    match mode {
                        OnRollback::Move => !gone || fates[*from] == Fate::Moves,
                        OnRollback::Disable => !gone || fates[*from] != Fate::Stays,
                        OnRollback::Stay => true,
                    }
                })
        };
        let closed: Vec<_> = (0..3_usize.pow(nodes as u32)).map(|number| fates(nodes, number)).filter(|one| is_closed(one)).collect();
        // The smallest of all: nothing moves, and nothing is off, that need not be.
        let moved = |at: usize| closed.iter().all(|fates| fates[at] == Fate::Moves);
        let goes = |at: usize| closed.iter().all(|fates| fates[at] != Fate::Stays);
        let regressed: BTreeSet<String> = regressed.iter().copied().map(node).collect();
        let undone = dependencies.undone(&regressed);
        prop_assert_eq!(&undone.moved, &(0..nodes).filter(|at| moved(*at)).map(node).collect());
        prop_assert_eq!(&undone.disabled, &(0..nodes).filter(|at| goes(*at) && !moved(*at)).map(node).collect());

        // There is a cause, and what regressed and needs none of it is one.
        let causes = dependencies.causes(&regressed);
        prop_assert!(!causes.is_empty());
        for name in &regressed {
            let needed = dependencies.needs_of(name, &causes);
            prop_assert!(causes.contains(name) || !needed.is_empty(), "{} needs no cause", name);
        }
    }

    #[test]
    fn a_cycle_is_found_exactly_where_there_is_one(
        nodes in 1..8_usize,
        edges in prop::collection::vec((0..8_usize, 0..8_usize), 0..16),
    ) {
        let mut needs: BTreeMap<String, BTreeMap<String, OnRollback>> = BTreeMap::new();
        let mut reaches = [[false; 8]; 8];
        for (from, to) in edges.into_iter().filter(|(from, to)| *from < nodes && *to < nodes) {
            needs.entry(node(from)).or_default().insert(node(to), OnRollback::Move);
            reaches[from][to] = true;
        }
        // Warshall's closure.
        for (over, from, to) in (0..512).map(|at| (at / 64, at / 8 % 8, at % 8)) {
            reaches[from][to] |= reaches[from][over] && reaches[over][to];
        }
        let dependencies = Dependencies(needs);
        for (at, name) in (0..nodes).map(node).enumerate() {
            let cycle = dependencies.cycle_of(&name);
            prop_assert_eq!(cycle.is_some(), reaches[at][at]);
            let Some(cycle) = cycle else { continue };
            prop_assert!(cycle.first() == Some(&name) && cycle.last() == Some(&name));
            for pair in cycle.windows(2) {
                prop_assert!(dependencies.of(&pair[0]).any(|(needed, _)| needed == pair[1]), "{cycle:?}");
            }
        }
    }
}

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
    plan(edges).unwrap().with_dependents(&names(regressed))
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

/// Nodes, and edges from later to earlier ones.
fn graph() -> impl Strategy<Value = (usize, Vec<(usize, usize)>, Vec<usize>)> {
    (1..12_usize).prop_flat_map(|nodes| {
        let edge = (0..nodes, 0..nodes).prop_map(|(one, other)| (one.max(other), one.min(other)));
        let edges = prop::collection::vec(edge, 0..3 * nodes)
            .prop_map(|edges| edges.into_iter().filter(|(from, to)| from != to).collect());
        (Just(nodes), edges, prop::collection::vec(0..nodes, 1..=nodes))
    })
}

fn node(index: usize) -> String {
    format!("c{index}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_moves_is_the_smallest_set_that_is_closed_under_cannot_work_without(
        (nodes, edges, regressed) in graph(),
    ) {
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in &edges {
            needs.entry(node(*from)).or_default().insert(node(*to));
        }
        let dependencies = Dependencies(needs);
        prop_assert!((0..nodes).all(|at| dependencies.cycle_of(&node(at)).is_none()));
        let wanted = regressed.iter().fold(0_u32, |bits, at| bits | 1 << at);
        let has = |bits: u32, at: usize| bits >> at & 1 == 1;
        let is_closed = |bits: u32| edges.iter().all(|(from, to)| !has(bits, *to) || has(bits, *from));
        // The smallest of all closed sets that hold what regressed is what they have in common.
        let closed = (0..1_u32 << nodes).filter(|bits| bits & wanted == wanted && is_closed(*bits));
        let smallest = closed.fold(u32::MAX, |common, bits| common & bits);
        let smallest: BTreeSet<String> = (0..nodes).filter(|at| has(smallest, *at)).map(node).collect();
        let regressed: BTreeSet<String> = regressed.into_iter().map(node).collect();
        prop_assert_eq!(dependencies.with_dependents(&regressed), smallest);

        // Those that need no other of them are enough to move all.
        let needs = |name: &String| dependencies.needs_of(name, &regressed);
        let causes: BTreeSet<String> = regressed.iter().filter(|name| needs(name).is_empty()).cloned().collect();
        prop_assert_eq!(dependencies.with_dependents(&causes), dependencies.with_dependents(&regressed));
    }

    #[test]
    fn a_cycle_is_found_exactly_where_there_is_one(
        nodes in 1..8_usize,
        edges in prop::collection::vec((0..8_usize, 0..8_usize), 0..16),
    ) {
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut reaches = [[false; 8]; 8];
        for (from, to) in edges.into_iter().filter(|(from, to)| *from < nodes && *to < nodes) {
            needs.entry(node(from)).or_default().insert(node(to));
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
                prop_assert!(dependencies.of(&pair[0]).any(|needed| needed == pair[1]), "{cycle:?}");
            }
        }
    }
}

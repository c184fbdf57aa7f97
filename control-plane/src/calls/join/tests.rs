use proptest::prelude::*;

use super::*;

const TRACE: u128 = 7;

fn span(id: u64, parent: u64, place: Option<u8>, serves: bool) -> Span<u8> {
    Span { trace: TRACE, span: id, parent, serves, place, arm: None }
}

fn calls_of(spans: impl IntoIterator<Item = Span<u8>>) -> Vec<(u8, u8)> {
    let (mut join, mut calls) = (Join::default(), Vec::new());
    for span in spans {
        join.add(span, 0, &mut calls);
    }
    let mut calls: Vec<_> = calls.into_iter().map(|call| (call.from, call.to)).collect();
    calls.sort_unstable();
    calls
}

/// For each span that serves, all its ancestors are looked through in a list.
fn naive(spans: &[Span<u8>]) -> Vec<(u8, u8)> {
    let mut calls = Vec::new();
    for span in spans.iter().filter(|span| span.serves) {
        let Some(to) = span.place else { continue };
        let mut at = span.parent;
        for _ in 0..HOPS_MAX {
            let Some(found) = spans.iter().find(|other| other.span == at && at != 0) else { break };
            if let Some(from) = found.place.filter(|from| *from != to) {
                calls.push((from, to));
                break;
            }
            at = found.parent;
        }
    }
    calls.sort_unstable();
    calls
}

#[test]
fn the_nearest_component_above_is_the_caller_through_spans_of_none_and_of_itself() {
    // cart (1) > a client span > a gateway of no component > pay (2) > pay again > stock (3)
    let spans = [
        span(1, 0, Some(1), true),
        span(2, 1, None, false),
        span(3, 2, None, true),
        span(4, 3, Some(2), true),
        span(5, 4, Some(2), false),
        span(6, 5, Some(3), true),
    ];
    assert_eq!(calls_of(spans.clone()), [(1, 2), (2, 3)]);
    assert_eq!(calls_of(spans.into_iter().rev()), [(1, 2), (2, 3)]);
}

#[test]
fn a_missing_parent_ends_a_call_and_one_that_comes_late_completes_it() {
    let (mut join, mut calls) = (Join::default(), Vec::new());
    join.add(span(3, 2, Some(2), true), 100, &mut calls);
    join.add(span(1, 0, Some(1), true), 101, &mut calls);
    assert_eq!(calls, []);
    join.add(span(2, 1, None, false), 101 + KEPT_S, &mut calls);
    assert_eq!(calls.iter().map(|call| (call.from, call.to)).collect::<Vec<_>>(), [(1, 2)]);
    join.add(span(13, 12, Some(2), true), 1_000, &mut calls);
    join.add(span(12, 0, Some(1), false), 1_000 + 2 * KEPT_S, &mut calls);
    assert_eq!(calls.len(), 1, "it came after the walk was forgotten");
}

#[test]
fn spans_that_come_again_and_the_same_ids_in_another_trace_add_nothing() {
    let (mut join, mut calls) = (Join::default(), Vec::new());
    for _ in 0..3 {
        join.add(span(1, 0, Some(1), true), 0, &mut calls);
        join.add(span(2, 1, Some(2), true), 0, &mut calls);
    }
    let other = Span { trace: 8, ..span(3, 1, Some(3), true) };
    assert!(join.add(other, 0, &mut calls));
    assert_eq!(calls.len(), 1);
    assert!(!join.add(span(2, 1, Some(2), true), KEPT_S, &mut calls), "also after a generation");
}

#[test]
fn the_arm_of_a_call_is_that_of_the_caller() {
    let (mut join, mut calls) = (Join::default(), Vec::new());
    join.add(Span { arm: Some(Arm::Canary), ..span(1, 0, Some(1), true) }, 0, &mut calls);
    join.add(Span { arm: Some(Arm::Baseline), ..span(2, 1, Some(2), true) }, 0, &mut calls);
    assert_eq!(calls, [Call { from: 1, to: 2, arm: Some(Arm::Canary) }]);
}

#[test]
fn parents_that_lead_in_a_circle_or_very_deep_end_a_walk() {
    assert_eq!(calls_of([span(1, 1, Some(1), true)]), []);
    assert_eq!(calls_of([span(1, 2, Some(1), true), span(2, 1, None, false)]), []);
    let depth = u64::from(HOPS_MAX);
    let chain = |length: u64| {
        let between = (2..=length).map(|id| span(id, id - 1, None, false));
        std::iter::once(span(1, 0, Some(1), true)).chain(between).chain([span(99, length, Some(2), true)])
    };
    assert_eq!(calls_of(chain(depth)), [(1, 2)]);
    assert_eq!(calls_of(chain(depth + 1)), []);
}

#[test]
fn memory_has_a_bound_and_the_oldest_are_forgotten_first() {
    let (mut join, mut calls) = (Join::default(), Vec::new());
    for id in 1..=4 * KEPT as u64 {
        join.add(span(id, u64::MAX - id, Some(1), true), 0, &mut calls);
        let (present, before) = (&join.present, &join.before);
        assert!(present.spans.len() <= KEPT && before.spans.len() <= KEPT);
        assert!(present.walks <= KEPT && before.walks <= KEPT);
    }
    join.add(span(5 * KEPT as u64, 4 * KEPT as u64, Some(2), true), 0, &mut calls);
    join.add(span(5 * KEPT as u64 + 1, 1, Some(2), true), 0, &mut calls);
    assert_eq!(calls.len(), 1, "the last is known, the first is not");
    // Walks that are carried on from one generation to the next are bounded as well.
    let mut join = Join::default();
    for id in 1..=KEPT as u64 {
        join.add(span(id, u64::MAX, Some(1), true), 0, &mut calls);
    }
    assert_eq!(join.present.walks, KEPT);
    join.add(span(u64::MAX, u64::MAX - 1, None, false), KEPT_S, &mut calls);
    assert_eq!((join.present.walks, join.before.walks), (KEPT, 0));
    join.add(span(1, u64::MAX - 2, Some(1), true), 4 * KEPT_S, &mut calls);
    assert_eq!((join.present.walks, join.before.walks), (1, 0));
}

/// Trees of spans, of which some are missing, in any order.
fn trees() -> impl Strategy<Value = Vec<Span<u8>>> {
    let node = (any::<prop::sample::Index>(), proptest::option::of(0..4_u8), any::<bool>(), 0..10_u8);
    proptest::collection::vec(node, 1..60)
        .prop_map(|nodes| {
            let spans = nodes.into_iter().enumerate().filter_map(|(at, (parent, place, serves, missing))| {
                let parent = if at == 0 { 0 } else { parent.index(at) as u64 + 1 };
                (missing > 0).then(|| span(at as u64 + 1, parent, place, serves))
            });
            spans.collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn any_order_of_any_tree_gives_the_calls_of_the_naive_reference(spans in trees()) {
        prop_assert_eq!(calls_of(spans.clone()), naive(&spans));
    }

    #[test]
    fn any_ids_and_parents_give_the_calls_of_the_naive_reference(
        spans in proptest::collection::vec((1..12_u64, 0..12_u64, proptest::option::of(0..3_u8), any::<bool>()), 0..30)
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let spans = spans.into_iter().filter(|(id, ..)| seen.insert(*id));
        let spans: Vec<_> = spans.map(|(id, parent, place, serves)| span(id, parent, place, serves)).collect();
        prop_assert_eq!(calls_of(spans.clone()), naive(&spans));
    }
}

use super::*;
use crate::calls::tests::service;

/// When the requests come.
const NOW: u64 = 1_800_000_000;

const PLAN: &str = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n\
    - {name: cart, matches: [{methods: [GET], path: {prefix: /cart}}]}\n\
    - {name: order, matches: [{path: {template: \"/orders/{id}\"}}]}\n";

fn attributes<'a>(pairs: &[(&str, &'a str)]) -> Attributes<'a> {
    let mut attributes = Attributes::default();
    pairs.iter().for_each(|(key, value)| attributes.set(key, Some((*value).into())));
    attributes
}

/// The fate of a span of the server kind, its component and its arm.
fn placed(
    resource: &[(&str, &str)],
    pairs: &[(&str, &str)],
    change: impl Fn(&mut Span<'_>),
) -> (SpanFate, Option<String>, Option<Arm>) {
    let end_ns = NOW * NS_PER_S;
    let mut span = Span { trace: 1, span: 2, parent: 0, kind: 2, end_ns, attributes: attributes(pairs) };
    change(&mut span);
    let mut spans = Spans::default();
    spans.add(span);
    spans.close(attributes(resource));
    let rollouts = crate::otlp::count::tests::rollouts();
    let services = [service(PLAN)];
    let placed = place(spans, &Places::of(&services), &Versions::of(&rollouts), NOW);
    match placed.spans.first() {
        Some((fate, span)) => (*fate, span.place.as_ref().map(|spot| spot.component.clone()), span.arm),
        None => (*placed.fates.keys().next().unwrap(), None, None),
    }
}

const SHOP: [(&str, &str); 2] = [("service.name", "shop"), ("service.version", "v2")];

#[test]
fn each_span_is_placed_or_says_why_not() {
    let keep = |_: &mut Span<'_>| {};
    let cart = || Some("cart".to_owned());
    for (resource, pairs, fate, component) in [
        (&SHOP[..], &[("serin.component", "cart")][..], SpanFate::Placed, cart()),
        (&SHOP, &[("url.path", "/cart/7"), ("http.request.method", "GET")], SpanFate::Placed, cart()),
        (&SHOP, &[("http.target", "/cart?a=b"), ("http.method", "GET")], SpanFate::Placed, cart()),
        (&SHOP, &[("http.route", "/orders/{id}")], SpanFate::Placed, Some("order".to_owned())),
        (&SHOP, &[("url.path", "/cart"), ("http.request.method", "POST")], SpanFate::Unplaced, None),
        (&SHOP, &[], SpanFate::Unplaced, None),
        (&SHOP, &[("serin.component", "gone")], SpanFate::UnknownComponent, None),
        (&[("service.name", "stock")], &[("serin.component", "gone")], SpanFate::Unplaced, None),
        (
            &[("service.name", "x"), ("serin.service", "shop")],
            &[("serin.component", "cart")],
            SpanFate::Placed,
            cart(),
        ),
        (&[("serin.component", "cart")], &[("serin.service", "shop")], SpanFate::Placed, cart()),
    ] {
        let (found, place, _) = placed(resource, pairs, keep);
        assert_eq!((found, place), (fate, component), "{resource:?} {pairs:?}");
    }
    let by_path = [("url.path", "/orders/7")];
    assert_eq!(placed(&SHOP, &by_path, |span| span.kind = 3).0, SpanFate::Unplaced, "the path of a call");
    assert_eq!(placed(&SHOP, &by_path, |span| span.span = 0).0, SpanFate::NoId);
    for (end, fate) in [
        (NOW - AGE_MAX_S, SpanFate::Placed),
        (NOW - AGE_MAX_S - 1, SpanFate::OutOfTime),
        (NOW + AHEAD_MAX_S, SpanFate::Placed),
        (NOW + AHEAD_MAX_S + 1, SpanFate::OutOfTime),
        (0, SpanFate::Placed),
    ] {
        assert_eq!(placed(&SHOP, &by_path, |span| span.end_ns = end * NS_PER_S).0, fate, "{end}");
    }
}

#[test]
fn the_arm_is_said_by_the_span_its_request_or_the_version() {
    let header = "http.request.header.x-serin-arm";
    for (pairs, arm) in [
        (&[("serin.arm", "baseline")][..], Some(Arm::Baseline)),
        (&[(header, "canary")], Some(Arm::Canary)),
        (&[("serin.arm", "baseline"), (header, "canary")], Some(Arm::Baseline)),
        (&[("serin.arm", "third")], None),
        (&[], Some(Arm::Canary)),
    ] {
        assert_eq!(placed(&SHOP, pairs, |_| {}).2, arm, "{pairs:?}");
    }
    let other = [("service.name", "shop"), ("service.version", "v9")];
    assert_eq!(placed(&other, &[], |_| {}).2, None);
}

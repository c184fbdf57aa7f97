use super::template::{fill, plain};
use super::*;

const NAMES: Names<'_> =
    Names { service: "shop", baseline: "v1", canary: r#"v2.0"\'{}"#, component: Some("cart") };

#[test]
fn what_a_variable_stands_for_never_ends_its_string_nor_means_more_than_itself() {
    let cases = [
        (r#"up{v="$canary"}"#, r#"up{v="v2.0\"\\'{}"}"#),
        (r"up{v='$canary'}", r#"up{v='v2.0"\\\'{}'}"#),
        (r#"up{v=~"$canary|x"}"#, r#"up{v=~"v2\\.0\"\\\\'\\{\\}|x"}"#),
        (r#"up{s="$service",c!="$component"} > 1"#, r#"up{s="shop",c!="cart"} > 1"#),
        (r#"up{s="\"$service"}"#, r#"up{s="\"shop"}"#),
        (r#"up{s=~"x$"}"#, r#"up{s=~"x$"}"#),
        (r#"up{s="$servicetext"}"#, r#"up{s="$servicetext"}"#),
        ("up # $canary is \"here\n", "up \n"),
    ];
    for (text, filled) in cases {
        assert_eq!(fill(text, &NAMES).as_deref(), Ok(filled), "{text}");
        parser::parse(filled).unwrap_or_else(|error| panic!("{filled}: {error}"));
    }
}

#[test]
fn a_variable_is_refused_where_it_could_be_code() {
    for text in ["up{$canary}", "$service", "up{s=`$service`}"] {
        assert!(fill(text, &NAMES).is_err(), "{text}");
    }
    let without = Names { component: None, ..NAMES };
    assert!(fill(r#"up{c="$component"}"#, &without).is_err());
    assert!(plain("$component", &without).is_err());
}

#[test]
fn a_text_that_is_no_promql_takes_names_as_they_are() {
    assert_eq!(plain("a-$canary-$x$", &NAMES).as_deref(), Ok(r#"a-v2.0"\'{}-$x$"#));
}

/// Every sort of version label, with a fixed seed per case: no label can change what a query selects.
#[test]
fn no_version_label_changes_the_shape_of_a_query() {
    let mut state = 0x5eed_u64;
    for round in 0..500 {
        let mut label = String::new();
        for _ in 0..round % 12 + 1 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            label.push(char::from(0x21 + u8::try_from((state >> 33) % 94).unwrap()));
        }
        let names = Names { canary: &label, ..NAMES };
        let filled = fill(r#"sum(up{a="1",v="$canary",b="2"})"#, &names).unwrap();
        let parser::Expr::Aggregate(sum) = parser::parse(&filled).unwrap() else { panic!("{filled}") };
        let parser::Expr::VectorSelector(selector) = *sum.expr else { panic!("{filled}") };
        let values: Vec<&str> =
            selector.matchers.matchers.iter().map(|matcher| matcher.value.as_str()).collect();
        assert_eq!(values, ["1", label.as_str(), "2"], "{filled}");
        let pattern = fill(r#"up{v=~"$canary"}"#, &names).unwrap();
        let parser::Expr::VectorSelector(selector) = parser::parse(&pattern).unwrap() else { panic!() };
        assert!(selector.matchers.matchers[0].is_match(&label), "{pattern} does not match {label}");
        assert!(!selector.matchers.matchers[0].is_match(&format!("{label}x")), "{pattern}");
    }
}

fn metrics(queries: &str) -> Result<Vec<Query>, String> {
    let plan = format!("service: shop\nbaseline: v1\ncanary: v2\nqueries: {{{queries}}}\n");
    crate::Plan::parse(&plan).map(|plan| plan.queries().to_vec()).map_err(|error| error.to_string())
}

#[test]
fn a_query_of_a_metric_has_its_names_filled_in_and_the_documented_defaults() {
    let all = metrics(
        "failed: {otlp: {metric: payments.failed, where: {service.version: $canary}, read: increase}}",
    );
    let [query] = all.unwrap().try_into().unwrap();
    let matching = BTreeMap::from([("service.version".to_owned(), "v2".to_owned())]);
    let read = serin_series::Read::Increase;
    let (metric, over) = ("payments.failed".to_owned(), Duration::from_mins(1));
    let asked = serin_series::Query { metric, matching, read, over, or_zero: false };
    assert_eq!(query.source, QuerySource::Otlp(asked));
    assert_eq!((query.every.as_secs(), query.stale_after.as_secs()), (15, 45));
}

#[test]
fn a_wrong_query_of_a_metric_is_refused_by_its_field() {
    for (otlp, words) in [
        ("{metric: '', read: rate}", "queries.q.otlp.metric"),
        ("{metric: m, read: rate, over: 9s}", "queries.q.otlp.over"),
        ("{metric: m, read: rate, over: 11m}", "queries.q.otlp.over"),
        ("{metric: m, read: rate, where: {a: ''}}", "queries.q.otlp.where.a"),
        ("{metric: m, read: rate, where: {a: $component}}", "$component stands for nothing"),
        ("{metric: m, read: p42}", "p42"),
        ("{metric: m}", "read"),
        ("{metric: m, read: rate}, webhook: true", "`alert` and `otlp`"),
    ] {
        let error = metrics(&format!("q: {{otlp: {otlp}}}")).unwrap_err();
        assert!(error.contains(words), "{otlp}: {error}");
    }
}

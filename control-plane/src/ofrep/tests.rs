//! The table of the docs, the shapes of the protocol, and any input at all.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use serin_rollout::plan::FlagValue;

use super::context::{Arm, Context};
use super::failure::Code;
use super::flag::{Flag, Place, Reason, Standing};
use super::*;

static NO_VALUES: BTreeMap<String, FlagValue> = BTreeMap::new();

fn tax(service: &str) -> Flag<'_> {
    Flag {
        service,
        component: "checkout",
        name: "tax",
        rollout: "r-1",
        baseline_version: "v1",
        canary_version: "v2",
        current: "current",
        previous: "previous",
        restored: None,
        values: &NO_VALUES,
        standing: Standing::OnTrial,
    }
}

fn context(document: &Value) -> Result<Context, Failure> {
    Context::parse(document.to_string().as_bytes())
}

fn says(attributes: &Value) -> Context {
    context(&json!({ "context": attributes })).unwrap()
}

/// Rows of a table in the docs: the words of its first column, and the cells after it.
fn rows(heading: &str) -> Vec<(String, Vec<String>)> {
    let page = include_str!("../../../docs/switch-a-block.md");
    let section = page.split(heading).nth(1).unwrap();
    let lines =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    lines.skip(2).map(cells).map(|cells| (cells[0].clone(), cells[1..].to_vec())).collect()
}

#[test]
fn the_version_in_force_is_that_of_the_tables_in_the_docs() {
    let standings = [Standing::OnTrial, Standing::Promoted, Standing::HandedOver, Standing::RolledBack];
    let tables =
        [("While the block is as released", None), ("After a rollback of the block", Some("restored"))];
    for (heading, restored) in tables {
        let rows = rows(heading);
        assert_eq!(rows.len(), 5, "{heading}");
        for (says_it, cells) in rows {
            let attributes = match says_it.as_str() {
                "`version` of the baseline" => json!({"version": "v1"}),
                "`version` of the canary" => json!({"version": "v2"}),
                "`arm: baseline`" => json!({"arm": "baseline"}),
                "`arm: canary`" => json!({"arm": "canary"}),
                "neither" => json!({}),
                other => panic!("{other}"),
            };
            assert_eq!(cells.len(), standings.len());
            for (cell, standing) in cells.iter().zip(standings) {
                let flag = Flag { restored, standing, ..tax("shop") };
                let found = evaluate::one(&[flag], "tax", &says(&attributes)).unwrap();
                assert_eq!(found.version, cell, "{heading}: {says_it}, {standing:?}");
            }
        }
    }
}

#[test]
fn the_reason_tells_a_place_from_a_rollback_from_no_knowledge() {
    for (restored, standing, place, reason) in [
        (None, Standing::OnTrial, Place::Canary, Reason::TargetingMatch),
        (None, Standing::OnTrial, Place::Baseline, Reason::TargetingMatch),
        (None, Standing::OnTrial, Place::Unknown, Reason::Static),
        (None, Standing::Promoted, Place::Unknown, Reason::Static),
        (None, Standing::RolledBack, Place::Unknown, Reason::Disabled),
        (None, Standing::RolledBack, Place::Canary, Reason::Disabled),
        (Some("previous"), Standing::OnTrial, Place::Canary, Reason::Disabled),
        (Some("previous"), Standing::OnTrial, Place::Unknown, Reason::Disabled),
        (Some("previous"), Standing::OnTrial, Place::Baseline, Reason::TargetingMatch),
    ] {
        let flag = Flag { restored, standing, ..tax("shop") };
        assert_eq!(flag.version(place).1, reason, "{restored:?} {standing:?} {place:?}");
    }
}

#[test]
fn a_version_counts_more_than_an_arm() {
    let flag = tax("shop");
    // The baseline's endpoint was brought to v2, as before a hand-over.
    assert_eq!(flag.place(&says(&json!({"arm": "baseline", "version": "v2"}))), Ok(Place::Canary));
    let twins = Flag { canary_version: "v1", ..flag };
    assert_eq!(twins.place(&says(&json!({"arm": "canary", "version": "v1"}))), Ok(Place::Canary));
    assert_eq!(twins.place(&says(&json!({"version": "v1"}))), Ok(Place::Unknown));
}

#[test]
fn values_are_those_of_the_plan_and_else_the_names_of_versions() {
    let values = BTreeMap::from([
        ("current".to_owned(), FlagValue::Bool(true)),
        ("previous".to_owned(), FlagValue::Number(0.5)),
    ]);
    let flag = Flag { values: &values, ..tax("shop") };
    assert_eq!(flag.value("current"), json!(true));
    assert_eq!(flag.value("previous"), json!(0.5));
    assert_eq!(flag.value("v5"), json!("v5"));
}

#[test]
fn a_body_is_read_or_refused_with_the_field_and_the_rule() {
    assert_eq!(context(&json!({})), Ok(Context::default()));
    assert_eq!(context(&json!({"context": null, "more": 1})), Ok(Context::default()));
    let nothing = json!({"context": {"targetingKey": "u", "arm": null, "version": "", "plan": {"a": []}}});
    assert_eq!(context(&nothing), Ok(Context::default()));
    let all = says(&json!({"service": "shop", "arm": "canary", "version": "v2"}));
    let expected =
        Context { service: Some("shop".to_owned()), arm: Some(Arm::Canary), version: Some("v2".to_owned()) };
    assert_eq!(all, expected);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (body, refusal) in [
        ("", "PARSE_ERROR: body: must be a JSON object: EOF while parsing a value at line 1 column 0"),
        (
            "{\"context\"",
            "PARSE_ERROR: body: must be a JSON object: EOF while parsing an object at line 1 column 10",
        ),
        ("[]", "PARSE_ERROR: body: must be a JSON object"),
        (&deep, "PARSE_ERROR: body: must be a JSON object: recursion limit exceeded at line 1 column 128"),
        ("{\"context\": 7}", "INVALID_CONTEXT: context: must be an object"),
        ("{\"context\": {\"service\": 7}}", "INVALID_CONTEXT: context.service: must be a string"),
        ("{\"context\": {\"version\": 2}}", "INVALID_CONTEXT: context.version: must be a string"),
        ("{\"context\": {\"arm\": true}}", "INVALID_CONTEXT: context.arm: must be a string"),
        (
            "{\"context\": {\"arm\": \"blue\"}}",
            "INVALID_CONTEXT: context.arm: must be \"baseline\" or \"canary\", not \"blue\"",
        ),
    ] {
        assert_eq!(Context::parse(body.as_bytes()).unwrap_err().to_string(), refusal);
    }
}

#[test]
fn a_key_means_one_block_or_the_answer_says_how_to_tell() {
    let flags = [tax("shop"), tax("billing"), Flag { name: "discount", ..tax("shop") }];
    let one = |key: &str, attributes: Value| {
        let outcome = evaluate::one(&flags, key, &says(&attributes));
        outcome.map(|found| found.service).map_err(|failure| failure.to_string())
    };
    assert_eq!(one("discount", json!({})), Ok("shop"));
    assert_eq!(one("tax", json!({"service": "billing"})), Ok("billing"));
    assert_eq!(one("shop/tax", json!({})), Ok("shop"));
    assert_eq!(one("shop/tax", json!({"service": "shop"})), Ok("shop"));
    for (key, attributes, refusal) in [
        (
            "tax",
            json!({}),
            "INVALID_CONTEXT: context.service: must say which service is meant, or the key be service/tax: flag \
             \"tax\" is one of \"shop\", \"billing\"",
        ),
        (
            "shop/tax",
            json!({"service": "billing"}),
            "INVALID_CONTEXT: context.service: is \"billing\", but the key says \"shop\"",
        ),
        (
            "nothing",
            json!({}),
            "FLAG_NOT_FOUND: key: no flag \"nothing\"; the plan of the service's newest rollout must name it as a block \
             or feature of a component",
        ),
        (
            "discount",
            json!({"service": "billing"}),
            "FLAG_NOT_FOUND: key: no flag \"discount\" of service \"billing\"; the plan of the service's newest rollout \
             must name it as a block or feature of a component",
        ),
        (
            "discount",
            json!({"version": "v9"}),
            "INVALID_CONTEXT: context.version: \"v9\" is neither the baseline \"v1\" nor the canary \"v2\" of rollout \
             r-1, the newest of service \"shop\"",
        ),
    ] {
        assert_eq!(one(key, attributes), Err(refusal.to_owned()));
    }
}

#[test]
fn all_flags_are_told_by_keys_that_work_alone() {
    let flags = [tax("shop"), tax("billing"), Flag { name: "discount", ..tax("shop") }];
    let keys = |attributes: Value| {
        let items = evaluate::all(&flags, &says(&attributes));
        items.into_iter().map(|(key, outcome)| (key, outcome.is_ok())).collect::<Vec<_>>()
    };
    let told = |key: &str| (key.to_owned(), true);
    assert_eq!(keys(json!({"service": "shop"})), [told("discount"), told("tax")]);
    let both = [told("billing/tax"), told("discount"), told("shop/tax"), ("tax".to_owned(), false)];
    assert_eq!(keys(json!({})), both);
    assert!(keys(json!({"service": "elsewhere"})).is_empty());
}

fn texts() -> impl Strategy<Value = Option<String>> {
    const KNOWN: [&str; 8] = ["shop", "billing", "tax", "v1", "v2", "baseline", "canary", "shop/tax"];
    proptest::option::of(prop_oneof![proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned), ".{0,12}"])
}

proptest! {
    #[test]
    fn any_bytes_give_a_context_or_a_failure_that_names_its_field(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(failure) = Context::parse(&body) {
            prop_assert!(failure.details.starts_with("body: ") || failure.details.starts_with("context"));
        }
    }

    #[test]
    fn any_key_and_context_give_a_version_of_the_block_or_a_failure(
        key in texts(), service in texts(), arm in texts(), version in texts(), standing in 0_usize..4, restored: bool,
    ) {
        let standing =
            [Standing::OnTrial, Standing::Promoted, Standing::HandedOver, Standing::RolledBack][standing];
        let restored = restored.then_some("restored");
        let flags = [Flag { restored, standing, ..tax("shop") }, Flag { name: "b", ..tax("billing") }];
        let key = key.unwrap_or_default();
        let body = json!({"context": {"service": service, "arm": arm, "version": version}});
        match context(&body).and_then(|context| evaluate::one(&flags, &key, &context)) {
            Ok(found) => {
                prop_assert!(["current", "previous", "restored"].contains(&found.version));
                let block = if found.service == "shop" { "tax" } else { "b" };
                prop_assert!(key == block || key == [found.service, block].join("/"));
            }
            Err(failure) => prop_assert!(matches!(failure.code, Code::InvalidContext | Code::FlagNotFound)),
        }
    }
}

use serin_rollout::{Creation, Plan, RolloutId, Salt, UnixMillis};

use super::*;
use crate::fleet::nodes::Spread;
use crate::rollouts::Tracked;

/// When the requests come.
const NOW: u64 = 1_800_000_000;

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
- name: cart
  matches: [{path: {prefix: /cart}}]
  granularity: fine
  blocks: [{name: tax, current: t2, previous: [t1]}, {name: price.of, current: p2, previous: [p1]}]
- name: checkout
  matches: [{path: {prefix: /checkout}}]
  granularity: fine
  blocks: [{name: charge, current: c2, previous: [c1]}]
";

pub(in crate::otlp) fn rollouts() -> Vec<Shared<Snapshot>> {
    let plan = Plan::parse(PLAN).unwrap();
    let creation = Creation {
        id: RolloutId("shop-1".to_owned()),
        salt: Salt(1),
        actor: "anna".to_owned(),
        paused: false,
    };
    let state = serin_rollout::create(&plan, creation, UnixMillis(NOW * 1_000)).state;
    let tracked = Tracked::new(plan, state, 1, None).unwrap();
    vec![Shared::new(tracked.snapshot(Spread::default(), UnixMillis(NOW * 1_000)))]
}

fn attributes<'a>(pairs: &[(&str, &'a str)]) -> Attributes<'a> {
    let mut attributes = Attributes::default();
    pairs.iter().for_each(|(key, value)| attributes.set(key, Some((*value).into())));
    attributes
}

fn error<'a>(pairs: &[(&str, &'a str)]) -> Record<'a> {
    Record { time_ns: NOW * NS_PER_S, severity: 17, attributes: attributes(pairs), ..Record::default() }
}

const RESOURCE: [(&str, &str); 2] = [("service.name", "shop"), ("service.version", "v2")];

fn counted<'a>(resource: &[(&str, &'a str)], records: impl IntoIterator<Item = Record<'a>>) -> Counted {
    let mut gathered = Gathered::default();
    records.into_iter().for_each(|record| gathered.add(record));
    gathered.close(attributes(resource));
    count(gathered, &Services::of(&rollouts()), &mut Recent::default(), NOW)
}

fn answer(fates: &BTreeMap<Fate, u64>) -> crate::otlp::Answer {
    let complaints = fates.iter().filter_map(|(fate, records)| Some((fate.complaint()?, *records)));
    crate::otlp::Answer::of(crate::otlp::Signal::Logs, complaints, std::iter::empty())
}

fn fate(resource: &[(&str, &str)], record: Record<'_>) -> Fate {
    let counted = counted(resource, [record]);
    assert_eq!(counted.fates.values().sum::<u64>(), 1);
    *counted.fates.keys().next().unwrap()
}

#[test]
fn a_failure_is_of_the_block_arm_and_second_that_its_record_tells() {
    for (resource, record, expected) in [
        (&RESOURCE[..], &[("serin.block", "tax")][..], ("cart", "tax", Arm::Canary)),
        (
            &RESOURCE,
            &[("serin.block", "tax"), ("code.function.name", "charge")],
            ("cart", "tax", Arm::Canary),
        ),
        (&RESOURCE, &[("code.function.name", "charge")], ("checkout", "charge", Arm::Canary)),
        (
            &RESOURCE,
            &[("code.function.name", "com.shop.Payment.charge")],
            ("checkout", "charge", Arm::Canary),
        ),
        (&RESOURCE, &[("code.function.name", "shop::payment::charge")], ("checkout", "charge", Arm::Canary)),
        (&RESOURCE, &[("code.function.name", "Payment#charge")], ("checkout", "charge", Arm::Canary)),
        (&RESOURCE, &[("code.function.name", "price.of")], ("cart", "price.of", Arm::Canary)),
        (&RESOURCE, &[("serin.block", "tax"), ("serin.component", "cart")], ("cart", "tax", Arm::Canary)),
        (&RESOURCE, &[("serin.block", "tax"), ("serin.arm", "baseline")], ("cart", "tax", Arm::Baseline)),
        (
            &[("service.name", "shop"), ("service.version", "v1")],
            &[("serin.block", "tax")],
            ("cart", "tax", Arm::Baseline),
        ),
        (
            &[("service.name", "other"), ("serin.service", "shop"), ("serin.arm", "canary")],
            &[("serin.block", "tax")],
            ("cart", "tax", Arm::Canary),
        ),
        (
            &[],
            &[("serin.service", "shop"), ("serin.arm", "canary"), ("serin.block", "tax")],
            ("cart", "tax", Arm::Canary),
        ),
    ] {
        let counted = counted(resource, [error(record), error(record)]);
        let [one] = &counted.failures[..] else { panic!("{record:?}: {counted:?}") };
        assert_eq!((one.component.as_str(), one.block.as_str(), one.arm), expected, "{record:?}");
        assert_eq!((one.service.as_str(), one.second, one.failed), ("shop", NOW, 2), "{record:?}");
    }
}

#[test]
fn what_does_not_count_is_told_by_reason() {
    let tax = [("serin.block", "tax")];
    let with = |key: &'static str, value: &'static str| error(&[("serin.block", "tax"), (key, value)]);
    let at = |time_ns: u64, observed_ns: u64| Record { time_ns, observed_ns, ..error(&tax) };
    for (expected, resource, record) in [
        (Fate::Counted, &RESOURCE[..], error(&tax)),
        (Fate::Counted, &RESOURCE, Record { severity: 0, ..with("exception.type", "E") }),
        (Fate::Counted, &RESOURCE, at(0, NOW * NS_PER_S)),
        (Fate::Counted, &RESOURCE, at(0, 0)),
        (Fate::NotError, &RESOURCE, Record { severity: 16, ..error(&tax) }),
        (Fate::NoBlock, &RESOURCE, error(&[])),
        (Fate::NoBlock, &RESOURCE, error(&[("code.function.name", "main")])),
        (Fate::UnknownService, &[("service.name", "shop-1"), ("service.version", "v2")], error(&tax)),
        (Fate::UnknownService, &[], error(&tax)),
        (Fate::UnknownVersion, &[("service.name", "shop"), ("service.version", "v3")], error(&tax)),
        (Fate::UnknownVersion, &[("service.name", "shop")], error(&tax)),
        (Fate::UnknownBlock, &RESOURCE, error(&[("serin.block", "x"), ("code.function.name", "tax")])),
        (Fate::OtherComponent, &RESOURCE, with("serin.component", "checkout")),
        (Fate::UnknownArm, &RESOURCE, with("serin.arm", "blue")),
        (Fate::OutOfTime, &RESOURCE, at((NOW - 121) * NS_PER_S, NOW * NS_PER_S)),
        (Fate::OutOfTime, &RESOURCE, at(u64::MAX, 0)),
    ] {
        assert_eq!(fate(resource, record.clone()), expected, "{resource:?} {record:?}");
    }
}

#[test]
fn records_of_one_span_about_one_block_are_one_failure() {
    let of = |trace, span, block| Record { trace, span, ..error(&[("serin.block", block)]) };
    let records = [
        of(1, 2, "tax"),
        of(1, 2, "tax"),
        of(1, 2, "charge"),
        of(1, 3, "tax"),
        of(0, 3, "tax"),
        of(0, 3, "tax"),
    ];
    let counted = counted(&RESOURCE, records);
    assert_eq!(counted.fates, BTreeMap::from([(Fate::Counted, 5), (Fate::Repeated, 1)]));
}

#[test]
fn a_request_holds_a_bounded_number_of_distinct_failures() {
    let rollouts: Vec<_> = (0..40)
        .map(|number| {
            let mut rollout = rollouts().remove(0).as_ref().clone();
            rollout.service = format!("shop-{number}");
            Shared::new(rollout)
        })
        .collect();
    let mut gathered = Gathered::default();
    for number in 0..40 {
        for second in 0..120 {
            let mut record = error(&[("serin.block", "tax")]);
            record.time_ns = (NOW - second) * NS_PER_S;
            gathered.add(record);
        }
        let mut resource = attributes(&RESOURCE);
        resource.service = Some(format!("shop-{number}").into());
        gathered.close(resource);
    }
    let counted = count(gathered, &Services::of(&rollouts), &mut Recent::default(), NOW);
    let over = 40 * 120 - CELLS_MAX as u64;
    assert_eq!(counted.fates, BTreeMap::from([(Fate::Counted, CELLS_MAX as u64), (Fate::Overflow, over)]));
    assert_eq!(counted.failures.len(), CELLS_MAX);
}

#[test]
fn the_sender_is_told_of_what_was_meant_to_count_and_of_nothing_else() {
    let fates = Fate::ALL.map(|fate| (fate, 1)).into_iter().collect();
    let told = answer(&fates).partial_success.unwrap();
    let remark = [("are of no version", 3)].into_iter();
    let only = crate::otlp::Answer::of(crate::otlp::Signal::Logs, std::iter::empty(), remark);
    let only = only.partial_success.unwrap();
    assert_eq!((only.rejected, only.error_message.as_str()), (0, "3 records are of no version"));
    assert_eq!(told.rejected, 5);
    assert!(told.error_message.starts_with("1 records name in serin.block what is no block"), "{told:?}");
    let fine = BTreeMap::from([(Fate::Counted, 3), (Fate::NoBlock, 9)]);
    assert_eq!(answer(&fine).partial_success, None);
}

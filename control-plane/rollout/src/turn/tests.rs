//! Turns as a table, and on a virtual clock where everybody who runs ends some time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn places(groups: &[(&str, Option<u32>)]) -> Places {
    Places(groups.iter().map(|(group, max)| ((*group).to_owned(), *max)).collect())
}

fn limits(all: Option<u32>, per_group: Option<u32>) -> TurnLimits {
    TurnLimits { all, per_group }
}

/// What is waited for, in words.
fn turn(own: &Places, limits: TurnLimits, runs: &[&Places], waits: &[&Places]) -> String {
    let runs = runs.iter().map(|places| Rival::Runs(places));
    let rivals = runs.chain(waits.iter().map(|places| Rival::Waits(places)));
    own.turn(limits, rivals).map_or_else(|| "begins".to_owned(), |turn| turn.to_string())
}

/// Whose turn it may be, the server's limits, who runs, which trains wait, and what follows.
type Case<'a> = (&'a Places, TurnLimits, &'a [&'a Places], &'a [&'a Places], &'a str);

#[test]
fn a_train_takes_one_place_among_all_and_one_in_each_group_of_its_members() {
    let (eu, us, none) = (places(&[("eu", Some(1))]), places(&[("us", Some(2))]), places(&[]));
    let both = places(&[("eu", Some(1)), ("us", Some(2))]);
    let full = "1 of group eu may run at once";
    let cases: [Case<'_>; 11] = [
        (&both, limits(None, None), &[], &[], "begins"),
        (&both, limits(None, None), &[&eu], &[], full),
        (&both, limits(None, None), &[&us], &[], "begins"),
        (&both, limits(None, None), &[&us, &us], &[], "2 of group us may run at once"),
        (&both, limits(Some(1), None), &[&none], &[], "1 rollouts may run at once"),
        (&both, limits(Some(1), None), &[], &[&both], full),
        (&eu, limits(None, None), &[&both], &[], full),
        (&us, limits(None, None), &[&both], &[], "begins"),
        // A place is kept free for a train that came earlier, but none among all.
        (&eu, limits(None, None), &[], &[&both], full),
        (&none, limits(Some(2), None), &[&none], &[&both], "begins"),
        (&us, limits(None, Some(1)), &[&both], &[], "1 of group us may run at once"),
    ];
    for (case, (own, limits, runs, waits, expected)) in cases.into_iter().enumerate() {
        assert_eq!(turn(own, limits, runs, waits), expected, "case {case}");
    }
}

#[test]
fn of_the_members_plans_the_strictest_counts_in_each_group() {
    let plan = |service: &str, concurrency: &str| {
        (
            format!("{service}.yaml"),
            format!(
                "service: {service}\nhosts: [{service}.example]\nbaseline: v1\ncanary: v2\n{concurrency}"
            ),
        )
    };
    let files = [
        plan("a", "concurrency: {group: eu, max: 3}\n"),
        plan("b", "concurrency: {group: eu, max: 2}\n"),
        plan("c", "concurrency: {group: us}\n"),
        plan("d", ""),
    ];
    let members = ["a", "b", "c", "d"].map(|one| format!("{{service: {one}, plan: {one}.yaml}}")).join(", ");
    let yaml = format!("kind: train\nname: t\nmembers: [{members}]\n");
    let train = TrainPlan::parse(&yaml, &BTreeMap::from(files)).unwrap();
    assert_eq!(Places::of_train(&train), places(&[("eu", Some(2)), ("us", None)]));
}

/// Somebody who comes at a time, runs for a while and takes places in some of three groups.
#[derive(Clone, Debug)]
struct Party {
    places: Places,
    is_train: bool,
    comes_at: u32,
    runs_for: u32,
    began_at: Option<u32>,
}

impl Party {
    fn runs(&self, now: u32) -> bool {
        self.began_at.is_some_and(|at| now < at + self.runs_for)
    }
}

fn any_party() -> impl Strategy<Value = Party> {
    (prop::collection::btree_set(0_u8..3, 0..4), any::<bool>(), 0_u32..30, 1_u32..10).prop_map(
        |(groups, is_train, comes_at, runs_for)| {
            let most = if is_train { 3 } else { 1 };
            // So many run at once in a group, by every plan that names it.
            let groups = groups.into_iter().take(most);
            let groups = groups.map(|group| (format!("g{group}"), Some(u32::from(group) + 1))).collect();
            Party { places: Places(groups), is_train, comes_at, runs_for, began_at: None }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_is_exceeded_and_everybody_begins_as_long_as_those_that_run_end(
        mut parties in prop::collection::vec(any_party(), 1..14),
        all in prop::option::of(1_u32..4),
    ) {
        parties.sort_by_key(|party| party.comes_at);
        let limits = limits(all, None);
        // Were they to run one after another, all would be over by then.
        let end = 30 + parties.iter().map(|party| party.runs_for).sum::<u32>();
        for now in 0..=end {
            for index in 0..parties.len() {
                let party = &parties[index];
                if party.began_at.is_some() || now < party.comes_at {
                    continue;
                }
                let rivals = parties.iter().enumerate().filter_map(|(other, one)| {
                    let waits = one.is_train && other < index && one.began_at.is_none() && now >= one.comes_at;
                    if one.runs(now) { Some(Rival::Runs(&one.places)) } else { waits.then_some(Rival::Waits(&one.places)) }
                });
                if party.places.turn(limits, rivals).is_none() {
                    parties[index].began_at = Some(now);
                }
            }
            let running: Vec<&Party> = parties.iter().filter(|party| party.runs(now)).collect();
            prop_assert!(all.is_none_or(|all| running.len() <= all as usize));
            for group in 0..3_usize {
                let name = format!("g{group}");
                let count = running.iter().filter(|party| party.places.0.contains_key(&name)).count();
                prop_assert!(count <= group + 1, "{} run in {}", count, name);
            }
        }
        prop_assert!(parties.iter().all(|party| party.began_at.is_some()), "{:?}", parties);
    }
}

use proptest::prelude::*;

use super::*;

const DAY: u64 = 86_400_000;

fn subject(path: &str) -> Subject {
    path.parse().unwrap()
}

fn version(label: &str) -> Version {
    label.parse().unwrap()
}

fn registered(path: &str, label: &str, day: u64) -> Registered {
    Registered { subject: subject(path), version: version(label), at: UnixMillis(day * DAY) }
}

fn named(removed: &[(Subject, Version)]) -> Vec<String> {
    removed.iter().map(|(subject, version)| format!("{subject} {version}")).collect()
}

const POLICY: Policy = Policy { keep_versions: 2, keep_for: Duration::from_secs(3 * 86_400) };

#[test]
fn the_newest_the_young_and_the_needed_stay() {
    let versions = (1..=6).map(|day| registered("shop", &format!("v{day}"), day)).collect();
    let inventory = Inventory { versions, parts: BTreeMap::new() };
    let goes = |needed: &[&str], day| {
        let needed = needed.iter().map(|label| (subject("shop"), version(label))).collect();
        named(&removable(&inventory, &needed, POLICY, UnixMillis(day * DAY)))
    };
    assert_eq!(goes(&[], 30), ["shop v1", "shop v2", "shop v3", "shop v4"]);
    assert_eq!(goes(&["v2", "v3"], 30), ["shop v1", "shop v4"]);
    assert_eq!(goes(&[], 6), ["shop v1", "shop v2", "shop v3"], "v4 is younger than three days");
    assert_eq!(goes(&[], 0), [""; 0], "a clock that went back removes nothing");
}

#[test]
fn a_version_of_the_application_that_stays_keeps_its_parts() {
    let parts = |label: &str| {
        vec![(subject("shop/checkout"), version(label)), (subject("shop/checkout/tax"), version("t1"))]
    };
    let mut versions = Vec::new();
    for day in 1..=5 {
        versions.push(registered("shop", &format!("v{day}"), day));
        versions.push(registered("shop/checkout", &format!("c{day}"), day));
        versions.push(registered("shop/checkout/tax", &format!("t{day}"), day));
    }
    let inventory = Inventory {
        versions,
        parts: BTreeMap::from([
            (version("v1"), parts("c1")),
            (version("v2"), parts("c2")),
            (version("v5"), parts("c5")),
        ]),
    };
    let needed = BTreeSet::from([(subject("shop"), version("v1"))]);
    let removed = named(&removable(&inventory, &needed, POLICY, UnixMillis(90 * DAY)));
    let expected = [
        "shop v2",
        "shop/checkout c2",
        "shop/checkout/tax t2",
        "shop v3",
        "shop/checkout c3",
        "shop/checkout/tax t3",
    ];
    assert_eq!(removed, expected);
}

/// What any history may hold: versions of three subjects, releases of them, and what is needed.
fn histories() -> impl Strategy<Value = (Inventory, BTreeSet<(Subject, Version)>, Policy, u64)> {
    let paths = ["shop", "shop/checkout", "shop/checkout/tax"];
    let one = (0..3_usize, 0..20_u64);
    let parts = proptest::collection::vec((0..3_usize, 0..20_u64), 0..6);
    (
        proptest::collection::vec(one.clone(), 0..40),
        proptest::collection::vec((0..20_u64, parts), 0..8),
        proptest::collection::vec(one, 0..4),
        1..4_usize,
        0..10_u64,
        0..40_u64,
    )
        .prop_map(move |(versions, releases, needed, keep_versions, keep_days, now)| {
            let pair = |(path, label): (usize, u64)| (subject(paths[path]), version(&format!("v{label}")));
            let mut seen = BTreeSet::new();
            let versions = versions.into_iter().enumerate().filter_map(|(day, one)| {
                let (subject, version) = pair(one);
                let is_new = seen.insert((subject.clone(), version.clone()));
                is_new.then_some(Registered { subject, version, at: UnixMillis(day as u64 * DAY) })
            });
            let versions = versions.collect();
            let parts = releases.into_iter().map(|(label, parts)| {
                let parts = parts.into_iter().map(pair).filter(|(subject, _)| subject.as_str() != "shop");
                (version(&format!("v{label}")), parts.collect())
            });
            let policy = Policy { keep_versions, keep_for: Duration::from_secs(keep_days * 86_400) };
            let inventory = Inventory { versions, parts: parts.collect() };
            (inventory, needed.into_iter().map(pair).collect(), policy, now)
        })
}

proptest! {
    #[test]
    fn nothing_that_is_needed_goes_and_what_stays_is_bounded((inventory, needed, policy, day) in histories()) {
        let now = UnixMillis(day * DAY);
        let goes: BTreeSet<_> = removable(&inventory, &needed, policy, now).into_iter().collect();
        let stays = |one: &Registered| !goes.contains(&(one.subject.clone(), one.version.clone()));
        for one in &inventory.versions {
            let pair = (one.subject.clone(), one.version.clone());
            prop_assert!(!needed.contains(&pair) || stays(one));
            let is_young = now.since(one.at) < policy.keep_for;
            prop_assert!(!is_young || stays(one));
            let newer = inventory.versions.iter().rev().take_while(|other| *other != one);
            let newer = newer.filter(|other| other.subject == one.subject).count();
            prop_assert!(newer >= policy.keep_versions || stays(one));
            // What stays has a reason.
            let of_release = inventory.versions.iter().any(|release| {
                release.subject.parent().is_none()
                    && stays(release)
                    && inventory.parts.get(&release.version).is_some_and(|parts| parts.contains(&pair))
            });
            prop_assert!(of_release || needed.contains(&pair) || is_young || newer < policy.keep_versions || !stays(one));
            prop_assert!(!of_release || stays(one), "a release has a hole");
        }
    }
}

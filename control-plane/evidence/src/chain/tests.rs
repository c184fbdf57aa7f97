use proptest::prelude::*;

use super::*;

fn chain(bodies: usize) -> Vec<Entry> {
    let mut head = Head::default();
    let entry = |number: usize| {
        let entry = Entry::after(head, format!("{{\"n\":{number}}}"));
        head = entry.head();
        entry
    };
    (0..bodies).map(entry).collect()
}

fn check(entries: &[Entry], written: &[Hash], head: Head) -> Checked {
    let mut check = Check::default();
    for entry in entries {
        let at = usize::try_from(entry.number).ok().and_then(|number| number.checked_sub(1));
        check.entry(entry, at.and_then(|at| written.get(at)).copied());
    }
    check.finish(Some(head))
}

fn whole() -> (Vec<Entry>, Vec<Hash>, Head) {
    let entries = chain(6);
    let written = entries.iter().map(|entry| entry.head().hash).collect();
    let head = entries.last().unwrap().head();
    (entries, written, head)
}

#[test]
fn a_chain_that_was_left_alone_is_sound() {
    let (entries, written, head) = whole();
    let checked = check(&entries, &written, head);
    assert!(checked.is_sound(), "{checked:?}");
    assert_eq!((checked.entries, checked.first, checked.head), (6, 1, head));
    assert!(check(&[], &[], Head::default()).is_sound());
}

#[test]
fn what_was_done_to_a_chain_is_named_with_its_place() {
    let (entries, written, head) = whole();
    let faults = |entries: &[Entry]| check(entries, &written, head).faults;
    let mut altered = entries.clone();
    altered[2].body = "{\"n\":9}".to_owned();
    assert_eq!(faults(&altered), [Fault::Altered { number: 3 }, Fault::Broken { number: 4 }]);
    let mut removed = entries.clone();
    removed.remove(3);
    assert_eq!(faults(&removed), [Fault::Missing { from: 4, through: 4 }]);
    assert_eq!(faults(&entries[..4]), [Fault::End { last: 4, head: 6 }]);
    assert_eq!(faults(&entries[2..]), [Fault::Beginning { number: 3 }]);
    assert_eq!(faults(&[]), [Fault::End { last: 0, head: 6 }]);
    let mut swapped = entries.clone();
    swapped.swap(1, 2);
    assert_eq!(
        faults(&swapped)[..2],
        [Fault::Missing { from: 2, through: 2 }, Fault::Order { number: 2, after: 3 }]
    );
    // All hashes written anew: the head that was kept tells.
    let mut rewritten = entries.clone();
    rewritten[5].body = "{}".to_owned();
    let checked = check(&rewritten, &[], head);
    assert_eq!(checked.faults, [Fault::Head { number: 6 }]);
}

#[test]
fn a_chain_may_begin_where_an_entry_says_that_older_ones_went() {
    let (mut entries, _, head) = whole();
    let removed = Removed { through: 2, hash: entries[1].head().hash, why: "older than 365d".to_owned() };
    let body = serde_json::json!({"kind": "removal", "removed": removed}).to_string();
    let tombstone = Entry::after(head, body);
    let head = tombstone.head();
    entries.push(tombstone);
    assert!(check(&entries[2..], &[], head).is_sound());
    assert_eq!(check(&entries[3..], &[], head).faults, [Fault::Beginning { number: 4 }]);
    assert_eq!(
        check(&entries[2..6], &[], head).faults.len(),
        2,
        "without the statement nothing may be missing"
    );
}

#[test]
fn a_hash_that_was_kept_elsewhere_tells_of_a_chain_that_was_rewritten() {
    let (entries, _, _) = whole();
    let kept = entries[3].head().hash;
    let verify = |entries: &[Entry]| {
        let mut check = Check::anchored(Some(kept));
        entries.iter().for_each(|entry| check.entry(entry, None));
        check.finish(None)
    };
    assert!(verify(&entries).is_sound());
    assert_eq!(verify(&entries[..3]).faults, [Fault::Anchor { hash: kept.to_string() }]);
}

proptest! {
    #[test]
    fn any_change_of_any_entry_is_found(at in 0usize..6, byte in 0usize..7, bit in 0u8..7, number in any::<bool>()) {
        let (mut entries, written, head) = whole();
        if number {
            entries[at].number ^= 1 << bit;
        } else {
            let mut bytes = entries[at].body.clone().into_bytes();
            bytes[byte] ^= 1 << bit;
            entries[at].body = String::from_utf8(bytes).unwrap();
        }
        prop_assert!(!check(&entries, &written, head).is_sound());
        prop_assert!(!check(&entries, &[], head).is_sound());
    }
}

use serde::Deserialize;

use super::*;

fn place(drain: &mut Drain, line: &str) -> Result<u32, Full> {
    place_of_kind(drain, 0, line)
}

fn place_of_kind(drain: &mut Drain, kind: u64, line: &str) -> Result<u32, Full> {
    let line = Masked::of(line);
    drain.find(kind, &line).map_or_else(|| drain.insert(kind, &line), Ok)
}

/// The number in letters, so that it is not masked.
fn letters(mut number: usize) -> String {
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    text
}

#[derive(Deserialize)]
struct Trees {
    lines: Vec<String>,
    groups: Vec<u32>,
    templates: Vec<String>,
}

/// Expected values by `tests/fixtures/trees.py`.
#[test]
fn groups_and_templates_agree_with_drain3_where_no_word_stands_against_another() {
    let trees: Trees = serde_json::from_str(include_str!("../../tests/fixtures/trees.json")).unwrap();
    let mut drain = Drain::default();
    let slots: Vec<u32> = trees.lines.iter().map(|line| place(&mut drain, line).unwrap()).collect();
    for (one, expected) in slots.iter().zip(&trees.groups) {
        for (other, other_expected) in slots.iter().zip(&trees.groups) {
            assert_eq!(one == other, expected == other_expected, "{one} {other}");
        }
    }
    for (slot, template) in slots.iter().zip(&trees.templates) {
        let ours = drain.pattern(*slot).unwrap().tokens().collect::<Vec<_>>().join(" ");
        assert_eq!(&ours, template);
    }
}

#[test]
fn a_sign_rules_a_template_out_and_a_word_weighs_against_it() {
    let mut drain = Drain::default();
    let get = place(&mut drain, "request GET from the cart ended well").unwrap();
    let post = place(&mut drain, "request POST from the cart ended well").unwrap();
    assert_ne!(get, post);
    let other = place(&mut drain, "request GET from the cart ended badly").unwrap();
    assert_eq!(get, other, "one word of seven");
    let three = place(&mut drain, "request GET of a page ended well").unwrap();
    assert_ne!(get, three, "three words of seven");
}

#[test]
fn each_bound_holds_exactly_and_what_is_known_goes_on() {
    let mut drain = Drain::default();
    for number in 0..LEAF_MAX {
        place(&mut drain, &format!("same {}", letters(number))).unwrap();
    }
    assert_eq!(place(&mut drain, "same zzzzz"), Err(Full));
    assert_eq!(place(&mut drain, &format!("same {}", letters(5))), Ok(5));
    let mut drain = Drain::default();
    let mut made = 0;
    for number in 0..10 * TEMPLATES_MAX {
        // Of different lengths, so that no leaf is full before.
        let line = format!("{} {}", letters(number), "tail ".repeat(number % 40));
        made += usize::from(place(&mut drain, &line).is_ok());
    }
    assert!(drain.is_full(0) && !drain.is_full(1));
    assert_eq!(drain.slots.len(), TEMPLATES_MAX - RESERVED);
    assert!(made >= TEMPLATES_MAX - RESERVED);
    // A flood leaves room for kinds of their own, and those have no more than is kept for them.
    for kind in 1..=RESERVED as u64 {
        place_of_kind(&mut drain, kind, "cannot store").unwrap();
    }
    assert_eq!(place_of_kind(&mut drain, 9_999, "cannot store"), Err(Full));
    assert_eq!(place_of_kind(&mut drain, 7, "cannot store"), place_of_kind(&mut drain, 7, "cannot store"));
    assert_eq!(drain.slots.len(), TEMPLATES_MAX);
    assert!(drain.children.values().all(|children| *children as usize <= CHILDREN_MAX));
    assert!(drain.leaves.values().all(|leaf| leaf.len() <= LEAF_MAX));
}

#[test]
fn lines_with_more_first_tokens_than_have_a_leaf_share_one() {
    let mut drain = Drain::default();
    for number in 0..CHILDREN_MAX + 10 {
        place(&mut drain, &format!("{} was here today", letters(number))).unwrap();
    }
    assert_eq!(drain.leaves.len(), CHILDREN_MAX + 1);
    let shared = place(&mut drain, &format!("{} was here today", letters(CHILDREN_MAX + 5))).unwrap();
    assert_eq!(drain.pattern(shared).unwrap().tokens().next(), Some(MASK));
}

#[test]
fn a_removed_template_leaves_room_and_no_trace() {
    let mut drain = Drain::default();
    let slots: Vec<u32> = (0..20).map(|number| place(&mut drain, &letters(number)).unwrap()).collect();
    slots.iter().for_each(|slot| drain.remove(*slot));
    assert!(drain.leaves.is_empty() && drain.children.is_empty());
    drain.remove(3);
    assert_eq!(drain.free.len(), 20);
    place(&mut drain, "anything").unwrap();
    assert_eq!(drain.slots.len(), 20);
}

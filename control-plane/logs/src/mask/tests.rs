use proptest::prelude::*;

use super::*;

#[test]
fn values_are_masked_and_words_stay() {
    for (line, expected) in [
        ("took 125 ms", "took <*> ms"),
        ("took 1.25ms, -3 left", "took <*>, <*> left"),
        ("10.0.0.1:5432 refused", "<*> refused"),
        ("user anna@example.com is new", "user <*> is new"),
        ("id=550e8400-e29b-41d4-a716-446655440000 done", "id=<*> done"),
        ("at 0x7fed806eb5d in deadbeef", "at <*> in deadbeef"),
        ("commit 9fceb02 by bob", "commit <*> by bob"),
        ("read /var/lib/x/1.dat (42 bytes)", "read <*> (<*> bytes)"),
        ("C:\\Windows\\x.dll", "C:<*>"),
        ("GET https://example.com/a?b=1 HTTP/1.1", "GET https:<*>?b=<*> HTTP/<*>"),
        ("db.example.com:5432 is up", "<*> is up"),
        ("blk_38865049064139660 of rack-7", "<*> of rack-<*>"),
        ("2024-05-01T10:00:00.123Z start", "<*> start"),
        ("fe80:0:0:1 up", "<*> up"),
        ("values 1,2,3", "values <*>"),
        ("The end. Really-", "The end. Really-"),
        ("the first line\n at frame 1", "the first line"),
        ("  spaced   out  ", "spaced out"),
        ("größe 12 €", "größe <*> €"),
        ("", ""),
    ] {
        assert_eq!(mask(line), expected, "{line}");
    }
}

#[test]
fn long_lines_and_tokens_are_cut_where_the_bounds_say() {
    let many = "word ".repeat(3 * TOKENS_MAX);
    let masked = Masked::of(&many);
    assert_eq!(masked.len(), TOKENS_MAX);
    assert_eq!(masked.tokens().last(), Some(MASK));
    assert_eq!(Masked::of(&"word ".repeat(TOKENS_MAX - 1)).to_text(), "word ".repeat(TOKENS_MAX - 1).trim());
    let (fits, longer) = ("x".repeat(TOKEN_BYTES), "x".repeat(TOKEN_BYTES + 1));
    assert_eq!(mask(&format!("{fits} {longer}")), format!("{fits} {MASK}"));
    let beyond = format!("{}\u{e9} tail", "a ".repeat(LINE_BYTES));
    assert!(!mask(&beyond).contains("tail"));
}

#[test]
fn words_in_capitals_and_truths_are_signs() {
    for (token, kind) in [
        ("GET", Kind::Sign),
        ("\"POST", Kind::Sign),
        ("state=RUNNING", Kind::Sign),
        ("ok:true,", Kind::Sign),
        ("done=false", Kind::Sign),
        ("A", Kind::Word),
        ("closed,", Kind::Word),
        ("rack-<*>", Kind::Word),
        ("a.b", Kind::Other),
        ("<*>", Kind::Varies),
    ] {
        assert_eq!(Word::of(token).kind, kind, "{token}");
    }
}

proptest! {
    #[test]
    fn any_text_is_masked_within_bounds_and_masking_twice_changes_nothing(text in "(?s).{0,300}") {
        let once = mask(&text);
        prop_assert_eq!(mask(&once), once.clone());
        let masked = Masked::of(&text);
        prop_assert!(masked.len() <= TOKENS_MAX);
        prop_assert!(masked.tokens().all(|token| !token.is_empty() && token.len() <= TOKEN_BYTES));
    }

    #[test]
    fn any_bytes_are_masked(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let once = mask(&text);
        prop_assert_eq!(mask(&once), once.clone());
    }

    #[test]
    fn text_that_looks_like_logs_is_masked_the_same_twice(text in "[a-f0-9x<>*:./@,=_+#~%&$ -]{0,60}") {
        let once = mask(&text);
        prop_assert_eq!(mask(&once), once.clone());
    }

    #[test]
    fn another_number_in_the_same_place_gives_the_same_line(one in any::<u32>(), other in any::<u32>()) {
        let line = |number: u32| mask(&format!("retry {number} of batch-{number} took {number}ms from 10.0.0.{}", number % 256));
        prop_assert_eq!(line(one), line(other));
    }
}

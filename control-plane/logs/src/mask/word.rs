//! Which runs of letters and digits are values.

/// A part of a run.
pub(super) enum Part<'a> {
    Kept(&'a str),
    Varies,
}

/// Fewest digits of a hexadecimal number that has letters.
const HEX_MIN: usize = 6;

/// Whether a byte may stand inside of a word, path or number. Bytes of characters beyond ASCII do.
pub(super) const fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || !byte.is_ascii()
        || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'@' | b'/' | b'\\' | b'~' | b'$' | b'#' | b'%' | b'&')
}

/// Writes what follows a masked part of a word, or stands before one: as parts of a word.
pub(super) fn mask_rest<'a>(run: &'a str, _after: &str, write: &mut dyn FnMut(Part<'a>)) {
    mask_segments(run, write);
}

/// Writes a run with its values masked. `after` is what follows it in its token.
pub(super) fn mask_run<'a>(run: &'a str, after: &str, write: &mut dyn FnMut(Part<'a>)) {
    // Punctuation around a word is not of it: the end of a sentence, a mark before a name.
    let end = run.trim_end_matches(['.', '-', '_', '+', '#', '%', '&', '@']).len();
    let (run, tail) = run.split_at(end);
    let start = end - run.trim_start_matches(['.', '-', '_', '+', '#', '%', '&', '@', '~']).len();
    // The sign of a number is of it.
    let is_signed = run.get(..start).is_some_and(|head| head.ends_with(['-', '+']))
        && run.get(start..).is_some_and(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let (head, run) = run.split_at(if is_signed { start - 1 } else { start });
    keep(head, write);
    if !run.is_empty() {
        mask_word(run, after, write);
    }
    keep(tail, write);
}

fn keep<'a>(text: &'a str, write: &mut dyn FnMut(Part<'a>)) {
    if !text.is_empty() {
        write(Part::Kept(text));
    }
}

fn mask_word<'a>(word: &'a str, after: &str, write: &mut dyn FnMut(Part<'a>)) {
    if is_path(word) || is_email(word) || is_address(word, after) {
        return write(Part::Varies);
    }
    if !word.bytes().any(|byte| byte.is_ascii_digit()) {
        return keep(word, write);
    }
    if is_value(word) {
        return write(Part::Varies);
    }
    mask_segments(word, write);
}

/// Masks the parts that are values: of `blk_3886` the number, of `10/eth0` the first.
fn mask_segments<'a>(word: &'a str, write: &mut dyn FnMut(Part<'a>)) {
    for segment in word.split_inclusive(['_', '-', '.', '/', '\\', '@', '$', '#', '+', '&', '~', '%']) {
        let end =
            segment.trim_end_matches(['_', '-', '.', '/', '\\', '@', '$', '#', '+', '&', '~', '%']).len();
        let (value, joint) = segment.split_at(end);
        if !value.is_empty() && is_value(value) {
            write(Part::Varies);
        } else {
            keep(value, write);
        }
        keep(joint, write);
    }
}

/// A number, or what has at least as many digits as letters, or a hexadecimal number.
fn is_value(word: &str) -> bool {
    let (mut digits, mut letters, mut is_hex) = (0, 0, true);
    for byte in word.bytes() {
        if byte.is_ascii_digit() {
            digits += 1;
        } else if byte.is_ascii_alphabetic() || !byte.is_ascii() {
            letters += 1;
            is_hex &= byte.is_ascii_hexdigit();
        } else {
            is_hex &= byte == b'-';
        }
    }
    let is_marked = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).is_some_and(is_hex_number);
    let is_host = word.matches('.').count() >= 2;
    digits > 0 && (digits >= letters || is_marked || is_host || (is_hex && digits + letters >= HEX_MIN))
}

fn is_hex_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A path of files or of a URL, from its root.
fn is_path(word: &str) -> bool {
    let inside = word.trim_start_matches(['/', '\\']);
    inside.len() < word.len() && !inside.is_empty()
}

fn is_email(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

/// A host by name, before its port: `db.example.com:5432`.
fn is_address(word: &str, after: &str) -> bool {
    let mut following = after.bytes();
    following.next() == Some(b':')
        && following.next().is_some_and(|byte| byte.is_ascii_digit())
        && word.matches('.').count() >= 2
}

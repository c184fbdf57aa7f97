//! Numbers of payment cards, told from others by their check digit.

/// Whether the digits of a text end with the check digit that Luhn's rule gives. Other characters are passed over.
pub(super) fn passes_luhn(text: &str) -> bool {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'));
    let doubled = |(place, digit): (usize, u32)| match place % 2 {
        0 => digit,
        _ if digit > 4 => 2 * digit - 9,
        _ => 2 * digit,
    };
    digits.enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

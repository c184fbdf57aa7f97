//! What the classifier sees of a template.

use crate::line::Severity;
use crate::mask::hash;

/// How many features there are: 2^14. Two that hash alike share a weight.
pub const FEATURES: usize = 1 << 14;

/// Mark between the parts of a feature's name, which is in no token.
const MARK: char = '\u{1}';

/// The features that a template has, sorted, each once: its tokens, its pairs of tokens, its severity and the type of its
/// exception. Weinberger et al., Feature Hashing for Large Scale Multitask Learning (ICML 2009), without signs.
#[must_use]
pub fn features<'a>(
    tokens: impl Iterator<Item = &'a str>,
    severity: Severity,
    exception: Option<&str>,
) -> Vec<u16> {
    let (mut features, mut name, mut before) = (Vec::new(), String::new(), "");
    let mut add = |parts: [&str; 3]| {
        name.clear();
        for part in parts {
            name.push_str(part);
            name.push(MARK);
        }
        features.push(place(hash(&name)));
    };
    for token in tokens {
        let token = token.trim_matches(|character: char| matches!(character, ',' | ';' | '.' | '"' | '\''));
        add(["token", token, ""]);
        add(["pair", before, token]);
        before = token;
    }
    add(["pair", before, ""]);
    add(["severity", severity.name(), ""]);
    if let Some(exception) = exception {
        add(["exception", exception, ""]);
    }
    features.sort_unstable();
    features.dedup();
    features
}

/// The upper bits: those of FNV that are mixed best.
fn place(hash: u64) -> u16 {
    let folded = hash ^ (hash >> 32);
    let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from(mixed >> 50).unwrap_or_default()
}

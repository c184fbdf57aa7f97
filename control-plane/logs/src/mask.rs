//! What varies in a line is masked: numbers, identifiers, addresses, paths. What is left is what its template is made of.
//!
//! One pass over the bytes, without a regular expression, because every line takes it. A line is cut at [`LINE_BYTES`] and at its
//! first line break, since what follows is a stack trace; it is split at white space into at most [`TOKENS_MAX`] tokens, of which
//! the last stands for all that follows; a token longer than [`TOKEN_BYTES`] once masked varies. In each token, runs of letters
//! and digits are masked where they look like a value (`word`), and masks that only `:`, `.` and the like separate become one.
//! Masking twice changes nothing.
//!
//! This is about what varies, not about what is secret: `password=hunter2` has nothing that varies by its form. Secrets are
//! taken out before a template is made ([`crate::Templates`]).

mod kind;
mod word;

pub(crate) use kind::{Kind, Word};

/// Bytes of a line that are looked at.
pub const LINE_BYTES: usize = 4_096;
/// Tokens of a line that are told apart.
pub const TOKENS_MAX: usize = 48;
/// Bytes of a token, masked.
pub const TOKEN_BYTES: usize = 64;
/// What stands in the place of what varies.
pub const MASK: &str = "<*>";

/// What separates the parts of one value: an address and its port, the parts of a time.
const JOINTS: &[u8] = b":.,/-@+#";

/// A line as tokens, with what varies masked. Its buffers are used again for the next line.
#[derive(Clone, Debug, Default)]
pub struct Masked {
    text: String,
    /// Where each token ends in `text`.
    ends: Vec<usize>,
    words: Vec<Word>,
}

impl Masked {
    /// Of one line.
    #[must_use]
    pub fn of(line: &str) -> Self {
        let mut masked = Self::default();
        masked.read(line);
        masked
    }

    /// Reads another line in the place of this one.
    pub fn read(&mut self, line: &str) {
        self.text.clear();
        self.ends.clear();
        self.words.clear();
        let line = line.trim_start();
        let line = line.get(..line.floor_char_boundary(LINE_BYTES)).unwrap_or_default();
        let line = line.split(['\n', '\r']).next().unwrap_or_default();
        for token in line.split_ascii_whitespace() {
            if self.ends.len() + 1 >= TOKENS_MAX {
                self.push(|text| text.push_str(MASK));
                return;
            }
            self.push(|text| mask_token(token, text));
        }
    }

    fn push(&mut self, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        if self.text.len() - start > TOKEN_BYTES {
            self.text.truncate(start);
            self.text.push_str(MASK);
        }
        self.words.push(Word::of(self.text.get(start..).unwrap_or_default()));
        self.ends.push(self.text.len());
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the line holds nothing but white space.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// What each token is compared by.
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    /// The tokens with one space between them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.text.len() + self.len());
        for token in self.tokens() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(token);
        }
        text
    }
}

/// The line with what varies masked, as text.
#[must_use]
pub fn mask(line: &str) -> String {
    Masked::of(line).to_text()
}

/// FNV-1a of 64 bits: the same on every run. A collision joins two words, which costs a template some of its text and nothing
/// else. Fowler, Noll, Vo: <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(crate) const fn hash(text: &str) -> u64 {
    let (mut hash, mut rest) = (0xcbf2_9ce4_8422_2325_u64, text.as_bytes());
    while let [byte, after @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = after;
    }
    hash
}

fn mask_token(token: &str, text: &mut String) {
    let start = text.len();
    let mut rest = token;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(MASK) {
            push_mask(text, start);
            rest = after;
            continue;
        }
        let length = rest.bytes().position(|byte| !word::is_inside(byte)).unwrap_or(rest.len());
        if length == 0 {
            let mut characters = rest.chars();
            text.extend(characters.next());
            rest = characters.as_str();
            continue;
        }
        let (run, after) = rest.split_at(length);
        // What stands beside a mask is what another look left of a word.
        let is_rest = after.starts_with(MASK) || text.get(start..).is_some_and(|token| token.ends_with(MASK));
        let write = if is_rest { word::mask_rest } else { word::mask_run };
        write(run, after, &mut |part| match part {
            word::Part::Kept(kept) => text.push_str(kept),
            word::Part::Varies => push_mask(text, start),
        });
        rest = after;
    }
}

/// Adds a mask, or joins it with the one before it in the same token.
fn push_mask(text: &mut String, start: usize) {
    let token = text.get(start..).unwrap_or_default();
    let joint = token.bytes().next_back().filter(|last| JOINTS.contains(last)).map_or(0, |_| 1);
    let before = token.len() - joint;
    if token.get(..before).is_some_and(|before| before.ends_with(MASK)) {
        text.truncate(start + before);
    } else {
        text.push_str(MASK);
    }
}

#[cfg(test)]
mod tests;

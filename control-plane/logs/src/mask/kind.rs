//! What a token is compared by: its hash, and whether it is a word that stands for something else than other words.

/// What kind of token it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Neither: it has marks or digits inside.
    Other,
    /// Written in capitals, or `true` or `false`, maybe after a key: a state, a code, a method. Another one is another event.
    Sign,
    /// Varies as a whole.
    Varies,
    /// Of letters alone.
    Word,
}

/// A token, as it is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Word {
    pub(crate) hash: u64,
    pub(crate) kind: Kind,
}

impl Word {
    /// What varies as a whole.
    pub(crate) const MASK: Self = Self { hash: super::hash(super::MASK), kind: Kind::Varies };

    /// Of a masked token.
    pub(crate) fn of(token: &str) -> Self {
        let kind = if token == super::MASK { Kind::Varies } else { kind_of(token) };
        Self { hash: super::hash(token), kind }
    }
}

fn kind_of(token: &str) -> Kind {
    let core = token.trim_matches(|character: char| {
        !character.is_alphanumeric() && !matches!(character, '_' | '=' | ':')
    });
    let word = core.trim_end_matches([':', '=']);
    let value = word.rsplit(['=', ':']).next().unwrap_or_default();
    let value = value.trim_matches(|character: char| !character.is_alphanumeric());
    if matches!(value, "true" | "false") || is_capital(value) {
        Kind::Sign
    } else if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Kind::Word
    } else {
        Kind::Other
    }
}

fn is_capital(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    word.len() >= 2 && word.bytes().all(fits) && word.bytes().any(|byte| byte.is_ascii_uppercase())
}

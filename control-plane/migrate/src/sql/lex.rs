//! The tokens of a script, by PostgreSQL's own rules with `standard_conforming_strings` on, as the runner sets it.

/// Why a script cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// Nothing but comments.
    #[error("must hold a statement")]
    Empty,
    /// A string, name or comment without its end.
    #[error("{0} does not end")]
    Unended(&'static str),
    /// A parenthesis without its other half.
    #[error("parentheses do not match")]
    Parentheses,
    /// A command of psql.
    #[error("commands of psql (\\...) cannot be run by the server")]
    PsqlCommand,
    /// What the server's protocol cannot carry.
    #[error("must not hold the character 0")]
    Zero,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes.
    Quoted,
    /// A string.
    Text,
    /// A number, or the number of a parameter.
    Number,
    /// One character of anything else.
    Symbol,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token<'_> {
    /// True for a word without quotes, in whatever case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// True for this character.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// All tokens, without comments. An error has its place in bytes.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, (usize, Malformed)> {
    if let Some(at) = text.find('\0') {
        return Err((at, Malformed::Zero));
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest).map_err(|cause| (at, cause))?;
        let end = at + length.max(1);
        if let Some(kind) = kind {
            let text = text.get(at..end).unwrap_or_default();
            found.push(Token { kind, text, start: at, end });
        }
        at = end;
    }
    Ok(found)
}

/// What `rest` begins with, and how long that is. `None`: space or a comment.
fn next(rest: &str) -> Result<(Option<Kind>, usize), Malformed> {
    if rest.starts_with("--") {
        return Ok((None, line(rest)));
    }
    if rest.starts_with("/*") {
        return Ok((None, comment(rest).ok_or(Malformed::Unended("a comment"))?));
    }
    let prefixed = prefix(rest);
    if let Some((length, kind)) = prefixed {
        let body = rest.get(length..).unwrap_or_default();
        let escapes = kind == Quote::Escaped;
        let (end, kind, what) = match kind {
            Quote::Name => (name(body), Kind::Quoted, "a name in quotes"),
            Quote::Plain | Quote::Escaped => (string(body, escapes), Kind::Text, "a string"),
        };
        return Ok((Some(kind), length + end.ok_or(Malformed::Unended(what))?));
    }
    if let Some(delimiter) = dollar(rest) {
        let body = rest.get(delimiter.len()..).unwrap_or_default();
        let end = body.find(delimiter).ok_or(Malformed::Unended("a dollar-quoted string"))?;
        return Ok((Some(Kind::Text), delimiter.len() * 2 + end));
    }
    let first = rest.chars().next().unwrap_or(' ');
    Ok(match first {
        '\\' => return Err(Malformed::PsqlCommand),
        ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => (None, 1),
        '$' => (Some(Kind::Number), 1 + run(rest.get(1..).unwrap_or_default(), |c| c.is_ascii_digit())),
        '0'..='9' => (Some(Kind::Number), run(rest, |c| c.is_ascii_digit() || c == '.')),
        _ if starts_name(first) => (Some(Kind::Word), run(rest, continues_name)),
        other => (Some(Kind::Symbol), other.len_utf8()),
    })
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Quote {
    /// A name, in which only `""` is special.
    Name,
    /// A string, in which only `''` is special.
    Plain,
    /// A string with backslashes.
    Escaped,
}

/// What opens a quoted thing, and how long that is. `U&` matters to the words inside alone.
fn prefix(rest: &str) -> Option<(usize, Quote)> {
    let mut bytes = rest.bytes();
    let (first, second, third) = (bytes.next()?, bytes.next(), bytes.next());
    match (first.to_ascii_lowercase(), second, third) {
        (b'\'', _, _) => Some((1, Quote::Plain)),
        (b'"', _, _) => Some((1, Quote::Name)),
        (b'e', Some(b'\''), _) => Some((2, Quote::Escaped)),
        (b'b' | b'x' | b'n', Some(b'\''), _) => Some((2, Quote::Plain)),
        (b'u', Some(b'&'), Some(b'\'')) => Some((3, Quote::Plain)),
        (b'u', Some(b'&'), Some(b'"')) => Some((3, Quote::Name)),
        _ => None,
    }
}

const fn starts_name(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

const fn continues_name(character: char) -> bool {
    starts_name(character) || character.is_ascii_digit() || character == '$'
}

/// Bytes of the characters at the start for which `of` holds.
fn run(rest: &str, of: impl Fn(char) -> bool) -> usize {
    rest.find(|character| !of(character)).unwrap_or(rest.len())
}

/// Bytes up to the end of the line.
fn line(rest: &str) -> usize {
    rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// Bytes of a comment, which may hold others.
fn comment(rest: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let left = rest.get(at..)?;
        let next = left.find(['/', '*'])?;
        let here = left.get(next..)?;
        let (step, change) = match here {
            _ if here.starts_with("/*") => (2, 1),
            _ if here.starts_with("*/") => (2, -1),
            _ => (1, 0),
        };
        depth = depth.checked_add_signed(change)?;
        at += next + step;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Bytes of a quoted name behind its opening quote.
fn name(body: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += body.get(at..)?.find('"')? + 1;
        if !body.get(at..)?.starts_with('"') {
            return Some(at);
        }
        at += 1;
    }
}

/// Bytes of a string behind its opening quote, with what continues it on a later line.
fn string(body: &str, escapes: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        let left = body.get(at..)?;
        let next = left.find(|c: char| c == '\'' || (escapes && c == '\\'))?;
        let here = left.get(next..)?;
        at += next + 1;
        if here.starts_with('\\') {
            at += here.chars().nth(1)?.len_utf8();
        } else if here.starts_with("''") {
            at += 1;
        } else if let Some(length) = continued(body.get(at..)?) {
            at += length;
        } else {
            return Some(at);
        }
    }
}

/// Two strings with at least one line end between them are one string. Bytes up to behind the second's opening quote.
fn continued(rest: &str) -> Option<usize> {
    let (mut at, mut is_next_line) = (0, false);
    loop {
        let left = rest.get(at..)?;
        match left.chars().next()? {
            '\n' | '\r' => (at, is_next_line) = (at + 1, true),
            ' ' | '\t' | '\u{b}' | '\u{c}' => at += 1,
            '-' if left.starts_with("--") => at += line(left),
            '\'' if is_next_line => return Some(at + 1),
            _ => return None,
        }
    }
}

/// The delimiter of a dollar-quoted string that begins here.
fn dollar(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('$')?;
    let length = run(inner, |c| continues_name(c) && c != '$');
    let is_tag = inner.chars().next().is_some_and(|first| starts_name(first) || first == '$');
    let ends = inner.get(length..)?.starts_with('$');
    (is_tag && ends).then(|| rest.get(..length + 2)).flatten()
}

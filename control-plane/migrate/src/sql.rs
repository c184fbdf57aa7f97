//! SQL scripts of PostgreSQL: their statements, and what each may do.
//!
//! [`Script::parse`] follows the server's own lexical rules (strings, dollar quotes, nested comments), because a
//! semicolon that is taken for an end where there is none would hide what stands behind it.

mod classify;
mod lex;
mod split;

pub use classify::{Break, Loss, Repair, Traits};
pub use lex::Malformed;

use lex::Token;

/// A script whose statements are known; at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Script {
    text: String,
    statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// As it was written, without comments before it and the semicolon behind it.
    pub text: String,
    /// Line of the script, from 1.
    pub line: usize,
    /// What it is and may do.
    pub traits: Traits,
}

/// Why a script is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {cause}")]
pub struct Unreadable {
    /// Line of the script, from 1.
    pub line: usize,
    /// What is wrong.
    pub cause: Malformed,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When it is empty, does not end what it begins, or holds what belongs to a client and not to the server.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let at = |(offset, cause)| Unreadable { line: line_of(text, offset), cause };
        let tokens = lex::tokens(text).map_err(at)?;
        let mut statements = Vec::new();
        for part in split::statements(&tokens).map_err(at)? {
            statements.extend(statement(text, part));
        }
        if statements.is_empty() {
            return Err(Unreadable { line: 1, cause: Malformed::Empty });
        }
        Ok(Self { text: text.to_owned(), statements })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its statements, in order.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The first statement that may lose data, as far as its words tell.
    #[must_use]
    pub fn loss(&self) -> Option<(&Statement, &Loss)> {
        self.statements.iter().find_map(|one| Some((one, one.traits.loss.as_ref()?)))
    }
}

fn statement(text: &str, tokens: &[Token<'_>]) -> Option<Statement> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    Some(Statement {
        text: text.get(first.start..last.end)?.to_owned(),
        line: line_of(text, first.start),
        traits: classify::traits(tokens),
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;

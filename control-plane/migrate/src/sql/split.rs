//! Where statements end.
//!
//! At a semicolon outside of parentheses, and outside of the body of a routine that is written as `BEGIN ATOMIC … END`.

use super::lex::{Malformed, Token};

/// The tokens of each statement, without its semicolon; empty ones are left out.
pub(super) fn statements<'t, 'a>(
    tokens: &'t [Token<'a>],
) -> Result<Vec<&'t [Token<'a>]>, (usize, Malformed)> {
    let mut found = Vec::new();
    let (mut begun, mut depth, mut blocks) = (0, 0_usize, 0_usize);
    for (index, token) in tokens.iter().enumerate() {
        let statement = tokens.get(begun..index).unwrap_or_default();
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.checked_sub(1).ok_or((token.start, Malformed::Parentheses))?;
        } else if depth == 0 && defines_routine(statement) {
            blocks = nested(blocks, token, tokens.get(index + 1));
        }
        if depth == 0 && blocks == 0 && token.is_symbol(";") {
            found.push(statement);
            begun = index + 1;
        }
    }
    let rest = tokens.get(begun..).unwrap_or_default();
    if let Some(first) = rest.first().filter(|_| depth > 0) {
        return Err((first.start, Malformed::Parentheses));
    }
    if let Some(first) = rest.first().filter(|_| blocks > 0) {
        return Err((first.start, Malformed::Unended("the body of a routine")));
    }
    found.push(rest);
    found.retain(|statement| !statement.is_empty());
    Ok(found)
}

/// `CREATE [OR REPLACE] FUNCTION` or `PROCEDURE`.
fn defines_routine(statement: &[Token<'_>]) -> bool {
    let mut words = statement.iter();
    let Some(true) = words.next().map(|word| word.is("create")) else { return false };
    words.take(3).any(|word| word.is("function") || word.is("procedure"))
}

/// How deep in blocks it is behind `token`.
fn nested(blocks: usize, token: &Token<'_>, next: Option<&Token<'_>>) -> usize {
    let opens = token.is("begin") && next.is_some_and(|next| next.is("atomic"));
    if opens || (blocks > 0 && token.is("case")) {
        blocks + 1
    } else if token.is("end") {
        blocks.saturating_sub(1)
    } else {
        blocks
    }
}

//! A walk through the words of a statement.

use super::Loss;
use crate::sql::lex::{Kind, Token};

/// What is left of a statement.
#[derive(Clone)]
pub(super) struct Words<'t, 'a>(&'t [Token<'a>]);

impl<'t, 'a> Words<'t, 'a> {
    pub(super) const fn of(tokens: &'t [Token<'a>]) -> Self {
        Self(tokens)
    }

    fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next word in capitals, empty where something else stands.
    pub(super) fn verb(&mut self) -> String {
        match self.0.first() {
            Some(word) if word.kind == Kind::Word => {
                self.next();
                word.text.to_ascii_uppercase()
            }
            Some(_) | None => String::new(),
        }
    }

    /// Goes behind these words, if they come next.
    pub(super) fn takes(&mut self, words: &[&str]) -> bool {
        let comes =
            words.len() <= self.0.len() && words.iter().zip(self.0).all(|(word, token)| token.is(word));
        if comes {
            self.0 = self.0.get(words.len()..).unwrap_or_default();
        }
        comes
    }

    /// Goes behind one of these words, if one comes next.
    pub(super) fn takes_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.takes(&[word]))
    }

    /// Whether a word stands anywhere.
    pub(super) fn any(self, word: &str) -> bool {
        self.0.iter().any(|token| token.is(word))
    }

    /// A name, as the catalogue has it.
    pub(super) fn name(&mut self) -> Option<String> {
        let token = self.0.first()?;
        let name = match token.kind {
            Kind::Word => token.text.to_lowercase(),
            Kind::Quoted => token.text.strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\""),
            Kind::Text | Kind::Number | Kind::Symbol => return None,
        };
        self.next();
        Some(name)
    }

    /// A name with those before it (`schema.table`), as it was written.
    pub(super) fn qualified(&mut self) -> Option<String> {
        let mut found = String::new();
        loop {
            let token = self.0.first().filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted))?;
            found.push_str(token.text);
            self.next();
            if !self.0.first().is_some_and(|token| token.is_symbol(".")) {
                return Some(found);
            }
            self.next();
            found.push('.');
        }
    }

    /// The parts between commas outside of parentheses.
    pub(super) fn parts(&self) -> Vec<Self> {
        let (mut found, mut begun, mut depth) = (Vec::new(), 0, 0_usize);
        for (index, token) in self.0.iter().enumerate() {
            if token.is_symbol("(") {
                depth += 1;
            } else if token.is_symbol(")") {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && token.is_symbol(",") {
                found.push(Self(self.0.get(begun..index).unwrap_or_default()));
                begun = index + 1;
            }
        }
        found.push(Self(self.0.get(begun..).unwrap_or_default()));
        found
    }

    /// Whether rows that are there change or go, by words inside of a query.
    pub(super) fn modifies(self) -> Option<Loss> {
        let mut before: Option<&Token<'_>> = None;
        let mut left = self.0.iter().peekable();
        while let Some(token) = left.next() {
            let follows = |words: &[&str]| before.is_some_and(|one| words.iter().any(|word| one.is(word)));
            let next_is = |word: &str, left: &mut std::iter::Peekable<std::slice::Iter<'_, Token<'_>>>| {
                left.peek().is_some_and(|next| next.is(word))
            };
            if token.is("delete") && next_is("from", &mut left) {
                return Some(Loss::Deletes);
            }
            if (token.is("update") && !follows(&["on", "for", "key"]))
                || (token.is("merge") && next_is("into", &mut left))
            {
                return Some(Loss::Overwrites);
            }
            before = Some(token);
        }
        None
    }
}

//! What a statement is, may lose, and takes from the baseline's code.
//!
//! Only what is known to keep all data counts as such. Everything else, and everything that runs code which cannot be
//! looked into (a function, a block), counts as a loss, and needs an approval. What triggers and rules do is not seen
//! here: the runner looks at what a transaction did before it commits.

mod alter;
mod words;

use super::lex::{Kind, Token};
use words::Words;

/// What a statement is and may do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Traits {
    /// Its first words, for people, for example `ALTER TABLE`.
    pub verb: String,
    /// Why data may be lost. `None`: none is, as far as the words tell.
    pub loss: Option<Loss>,
    /// What the baseline's code may miss afterwards. `None`: nothing.
    pub breaks: Option<Break>,
    /// True when it begins or ends transactions, or changes how scripts are read.
    pub takes_control: bool,
    /// True when the server refuses it inside a transaction.
    pub alone: bool,
    /// True when it changes the type of a column: whether a value loses something by that only the catalogue tells.
    pub retypes: bool,
    /// What follows after a crash in the middle, where it ran outside of a transaction.
    pub repair: Repair,
    /// The table that it makes or changes, in lower case.
    pub table: Option<String>,
    /// True when it makes that table.
    pub makes_table: bool,
}

/// Why data may be lost.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Loss {
    /// Something that holds data goes.
    #[error("drops a {0}")]
    Drops(String),
    /// With it goes what depends on it, whatever that is.
    #[error("drops what depends on it, too")]
    Cascades,
    /// All rows go.
    #[error("empties a table")]
    Truncates,
    /// Rows go.
    #[error("deletes rows")]
    Deletes,
    /// Values are replaced.
    #[error("overwrites values")]
    Overwrites,
    /// The table does not survive a crash of the server.
    #[error("makes a table that a crash of the server empties")]
    Unlogged,
    /// It runs code.
    #[error("runs code that cannot be looked into")]
    RunsCode,
    /// It is not known.
    #[error("is not known, and counts as one that loses data")]
    Unknown,
}

/// What the baseline's code may miss.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Break {
    /// Something goes.
    #[error("removes something that the baseline may need")]
    Removes,
    /// Something has another name.
    #[error("renames or moves something that the baseline may need")]
    Renames,
    /// Something that was accepted may be refused.
    #[error("may refuse what the baseline writes")]
    Stricter,
    /// Something does something else.
    #[error("replaces code that the baseline may use")]
    Replaces,
    /// It is not known.
    #[error("is not known, so it may take something from the baseline")]
    Unknown,
}

/// What follows when the server or Serin crashed while a statement ran outside of a transaction.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Repair {
    /// Nobody knows whether it took effect: a person has to look.
    #[default]
    Ask,
    /// It may run again, whatever it did.
    Repeat,
    /// An index is valid, or it is dropped and made again.
    Index {
        /// Its name, as the catalogue has it.
        name: String,
        /// Its table, as it was written.
        table: String,
    },
}

impl Traits {
    fn known(verb: impl Into<String>) -> Self {
        Self { verb: verb.into(), ..Self::default() }
    }

    fn loses(mut self, loss: Loss) -> Self {
        self.loss.get_or_insert(loss);
        self
    }

    fn breaks(mut self, breaks: Break) -> Self {
        self.breaks.get_or_insert(breaks);
        self
    }

    fn loses_if(self, does: bool, loss: Loss) -> Self {
        if does { self.loses(loss) } else { self }
    }

    fn breaks_if(self, does: bool, breaks: Break) -> Self {
        if does { self.breaks(breaks) } else { self }
    }

    fn on(mut self, table: Option<String>) -> Self {
        self.table = table.map(|table| table.to_lowercase());
        self
    }

    fn unknown(verb: impl Into<String>) -> Self {
        Self::known(verb).loses(Loss::Unknown).breaks(Break::Unknown)
    }
}

/// What a statement is. `tokens` are not empty.
pub(super) fn traits(tokens: &[Token<'_>]) -> Traits {
    let mut words = Words::of(tokens);
    let verb = words.verb();
    let found = match verb.as_str() {
        "CREATE" => create(&mut words),
        "ALTER" => alter::alter(&mut words),
        "DROP" => drop(&mut words),
        "INSERT" => insert(&words),
        "UPDATE" => Traits::known(verb).loses(Loss::Overwrites),
        "DELETE" => Traits::known(verb).loses(Loss::Deletes),
        "MERGE" => Traits::known(verb).loses(Loss::Overwrites),
        "TRUNCATE" => Traits::known(verb).loses(Loss::Truncates).breaks(Break::Removes),
        "SELECT" | "WITH" | "VALUES" | "TABLE" | "DO" | "CALL" | "EXECUTE" => {
            Traits::known(verb).loses(Loss::RunsCode).breaks(Break::Unknown)
        }
        "COMMENT" | "GRANT" | "LOCK" => Traits::known(verb),
        "REVOKE" => Traits::known(verb).breaks(Break::Stricter),
        "ANALYZE" | "ANALYSE" => Traits { repair: Repair::Repeat, ..Traits::known("ANALYZE") },
        "VACUUM" => Traits { alone: true, repair: Repair::Repeat, ..Traits::known(verb) },
        "REFRESH" => Traits { repair: Repair::Repeat, ..Traits::known("REFRESH MATERIALIZED VIEW") },
        "REINDEX" => reindex(&words),
        "CLUSTER" => Traits { alone: tokens.len() < 2, ..Traits::known(verb) },
        "SET" | "RESET" => set(&words, verb),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" | "PREPARE"
        | "DISCARD" | "LISTEN" | "UNLISTEN" | "LOAD" => {
            Traits { takes_control: true, ..Traits::unknown(verb) }
        }
        // There is nobody to send the rows.
        "COPY" if words.clone().any("stdin") => Traits { takes_control: true, ..Traits::unknown(verb) },
        _ => Traits::unknown(verb),
    };
    if sets_reading(tokens) { Traits { takes_control: true, ..found } } else { found }
}

/// Anything that names the setting by which strings are read differently.
fn sets_reading(tokens: &[Token<'_>]) -> bool {
    let name = "standard_conforming_strings";
    tokens.iter().any(|token| token.kind != Kind::Number && token.text.to_ascii_lowercase().contains(name))
}

fn set(words: &Words<'_, '_>, verb: String) -> Traits {
    let rest = words.clone();
    let named = |name: &str| rest.clone().any(name);
    let control = ["transaction", "characteristics", "role", "authorization", "all"];
    let limits = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"];
    let takes = control.iter().chain(&limits).any(|name| named(name));
    Traits { takes_control: takes, ..Traits::known(verb) }
}

fn reindex(words: &Words<'_, '_>) -> Traits {
    let alone = ["concurrently", "database", "system", "schema"].iter().any(|word| words.clone().any(word));
    let repair = if words.clone().any("concurrently") { Repair::Ask } else { Repair::Repeat };
    Traits { alone, repair, ..Traits::known("REINDEX") }
}

fn insert(words: &Words<'_, '_>) -> Traits {
    let found = Traits::known("INSERT");
    match words.clone().modifies() {
        Some(loss) => found.loses(loss),
        None => found,
    }
}

fn create(words: &mut Words<'_, '_>) -> Traits {
    let replaces = words.takes(&["or", "replace"]);
    while words.takes_any(&["global", "local", "temporary", "temp", "trusted", "procedural", "constraint"]) {}
    let unlogged = words.takes(&["unlogged"]);
    let unique = words.takes(&["unique"]);
    let recursive = words.takes(&["recursive"]);
    let (materialized, foreign) = (words.takes(&["materialized"]), words.takes(&["foreign"]));
    let what = words.verb();
    let verb = format!("CREATE {what}");
    match what.as_str() {
        "INDEX" => index(words, unique),
        "TABLE" if foreign => Traits::unknown("CREATE FOREIGN TABLE"),
        "TABLE" | "VIEW" => {
            let runs = words.clone().any("as").then(|| words.clone().modifies()).flatten();
            let is_conditional = words.takes(&["if", "not", "exists"]);
            let found = Traits::known(verb).loses_if(unlogged, Loss::Unlogged);
            let found = found.breaks_if(replaces && !recursive && !materialized, Break::Replaces);
            let found = runs.map_or(found.clone(), |loss| found.loses(loss));
            let makes_table = what == "TABLE" && !is_conditional;
            Traits { makes_table, ..found.on(words.qualified()) }
        }
        "SEQUENCE" | "TYPE" | "DOMAIN" | "EXTENSION" | "COLLATION" | "STATISTICS" | "OPERATOR" | "CAST" => {
            Traits::known(verb)
        }
        // What a schema is created with are statements of their own.
        "SCHEMA" => Traits::known(verb).loses_if(words.clone().any("create"), Loss::Unknown),
        "FUNCTION" | "PROCEDURE" | "AGGREGATE" => Traits::known(verb).breaks_if(replaces, Break::Replaces),
        "TRIGGER" => Traits::known(verb).breaks_if(replaces, Break::Replaces),
        "POLICY" | "RULE" => Traits::known(verb).breaks(Break::Stricter),
        "DATABASE" | "TABLESPACE" | "SUBSCRIPTION" => Traits { alone: true, ..Traits::unknown(verb) },
        _ => Traits::unknown(verb),
    }
}

fn index(words: &mut Words<'_, '_>, unique: bool) -> Traits {
    let alone = words.takes(&["concurrently"]);
    let _or_not = words.takes(&["if", "not", "exists"]);
    let name = if words.takes(&["on"]) { None } else { words.name().filter(|_| words.takes(&["on"])) };
    let _whole_or_not = words.takes(&["only"]);
    let table = words.qualified();
    let found = Traits::known("CREATE INDEX").breaks_if(unique, Break::Stricter).on(table.clone());
    // Without a name nobody can tell it from others.
    let repair = name.zip(table).map(|(name, table)| Repair::Index { name, table });
    Traits { alone, repair: repair.unwrap_or_default(), ..found }
}

fn drop(words: &mut Words<'_, '_>) -> Traits {
    let materialized = words.takes(&["materialized"]);
    let what = words.verb();
    let verb = format!("DROP {}{what}", if materialized { "MATERIALIZED " } else { "" });
    let found = Traits::known(verb.clone()).breaks(Break::Removes);
    let found = found.loses_if(words.clone().any("cascade"), Loss::Cascades);
    match what.as_str() {
        "INDEX" if words.takes(&["concurrently"]) => {
            let repeats = words.takes(&["if", "exists"]);
            let repair = if repeats { Repair::Repeat } else { Repair::Ask };
            Traits { alone: true, repair, ..found }
        }
        "INDEX" | "VIEW" | "FUNCTION" | "PROCEDURE" | "ROUTINE" | "AGGREGATE" | "TRIGGER" | "RULE"
        | "POLICY" | "TYPE" | "DOMAIN" | "CAST" | "OPERATOR" | "COLLATION" | "STATISTICS" => found,
        "TABLE" | "SCHEMA" | "SEQUENCE" => found.loses(Loss::Drops(what.to_ascii_lowercase())),
        "DATABASE" | "TABLESPACE" | "SUBSCRIPTION" => {
            Traits { alone: true, ..found.loses(Loss::Drops(what.to_ascii_lowercase())) }
        }
        _ => Traits::unknown(verb),
    }
}

//! `ALTER …`: each of its actions, and the worst of them counts.

use super::words::Words;
use super::{Break, Loss, Traits};

pub(super) fn alter(words: &mut Words<'_, '_>) -> Traits {
    let foreign = words.takes(&["foreign"]);
    let materialized = words.takes(&["materialized"]);
    let what = words.verb();
    let verb = format!("ALTER {}{what}", if materialized { "MATERIALIZED " } else { "" });
    match what.as_str() {
        "TABLE" if !foreign => table(words, &verb),
        "INDEX" | "VIEW" | "SEQUENCE" | "FUNCTION" | "PROCEDURE" | "TRIGGER" | "SCHEMA" | "DOMAIN" => {
            other(words, &verb)
        }
        "TYPE" => kind(words, &verb),
        "SYSTEM" | "DATABASE" | "TABLESPACE" | "SUBSCRIPTION" => {
            Traits { alone: true, ..Traits::unknown(verb) }
        }
        _ => Traits::unknown(verb),
    }
}

/// Only renames, moves and a few settings are known.
fn other(words: &Words<'_, '_>, verb: &str) -> Traits {
    let rest = || words.clone();
    if rest().any("rename") || (rest().any("set") && rest().any("schema")) {
        Traits::known(verb).breaks(Break::Renames)
    } else if rest().any("owner") || rest().any("tablespace") {
        Traits::known(verb)
    } else {
        Traits::unknown(verb)
    }
}

/// `ALTER TYPE … ADD VALUE` is what migrations do.
fn kind(words: &mut Words<'_, '_>, verb: &str) -> Traits {
    let _name = words.qualified();
    if words.takes(&["add", "value"]) {
        return Traits::known("ALTER TYPE ADD VALUE");
    }
    other(words, verb)
}

fn table(words: &mut Words<'_, '_>, verb: &str) -> Traits {
    let _even_if_there_is_none = words.takes(&["if", "exists"]);
    let _without_its_children = words.takes(&["only"]);
    let table = words.qualified();
    if table.is_none() {
        return Traits::unknown(verb);
    }
    let found = Traits::known(verb).on(table);
    words.parts().into_iter().fold(found, |found, mut part| action(found, &mut part))
}

fn action(found: Traits, words: &mut Words<'_, '_>) -> Traits {
    let cascades = words.clone().any("cascade");
    match words.verb().as_str() {
        "ADD" => add(found, words),
        "DROP" => {
            let found = found.breaks(Break::Removes).loses_if(cascades, Loss::Cascades);
            found.loses_if(!words.takes(&["constraint"]), Loss::Drops("column".to_owned()))
        }
        "ALTER" if words.takes(&["constraint"]) => found.breaks(Break::Stricter),
        "ALTER" => column(found, words),
        "RENAME" => found.breaks(Break::Renames),
        "SET" if words.takes(&["schema"]) => found.breaks(Break::Renames),
        "SET" if words.takes(&["unlogged"]) => found.loses(Loss::Unlogged),
        "ENABLE" => found.breaks(Break::Stricter),
        "DISABLE" | "DETACH" => {
            let alone = words.clone().any("concurrently");
            let found = found.breaks(Break::Removes);
            Traits { alone: found.alone || alone, ..found }
        }
        "VALIDATE" | "OWNER" | "CLUSTER" | "ATTACH" | "REPLICA" | "SET" | "RESET" => found,
        _ => found.loses(Loss::Unknown).breaks(Break::Unknown),
    }
}

fn add(found: Traits, words: &mut Words<'_, '_>) -> Traits {
    if words.takes_any(&["constraint", "primary", "unique", "check", "foreign", "exclude"]) {
        return found.breaks(Break::Stricter);
    }
    let has = |word: &str| words.clone().any(word);
    let filled = has("default") || has("generated");
    let demanding = (has("not") && has("null")) || has("primary") || has("serial");
    let checked = has("unique") && filled;
    found.breaks_if((demanding && !filled && !has("serial")) || checked, Break::Stricter)
}

fn column(found: Traits, words: &mut Words<'_, '_>) -> Traits {
    let _optional = words.takes(&["column"]);
    if words.name().is_none() {
        return found.loses(Loss::Unknown).breaks(Break::Unknown);
    }
    if words.takes(&["type"]) || words.takes(&["set", "data", "type"]) {
        return Traits { retypes: true, ..found };
    }
    if words.takes(&["set", "not", "null"]) {
        found.breaks(Break::Stricter)
    } else if words.takes(&["drop", "not", "null"]) || words.takes_any(&["set", "reset", "add"]) {
        found
    } else if words.takes(&["drop"]) {
        found.breaks(Break::Removes)
    } else {
        found.loses(Loss::Unknown).breaks(Break::Unknown)
    }
}

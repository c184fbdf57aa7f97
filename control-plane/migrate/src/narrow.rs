//! Whether a change of a column's type can lose a part of a value.
//!
//! Asked of two types as `format_type` writes them, so that the server resolves names and aliases. What is not known to
//! hold every value of the old type counts as narrower.

/// True unless every value of `old` is kept whole by `new`.
#[must_use]
pub fn narrows(old: &str, new: &str) -> bool {
    if old == new {
        return false;
    }
    let (old, new) = (Type::of(old), Type::of(new));
    !holds(&new, &old)
}

struct Type<'a> {
    name: String,
    limits: Vec<u32>,
    array: &'a str,
}

impl<'a> Type<'a> {
    /// `numeric(10,2)[]`, `character varying(20)`, `timestamp(3) with time zone`.
    fn of(text: &'a str) -> Self {
        let (text, array) = match text.find("[]") {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let (before, rest) = text.split_once('(').unwrap_or((text, ""));
        let (limits, after) = rest.split_once(')').unwrap_or(("", ""));
        let limits = limits.split(',').filter_map(|limit| limit.trim().parse().ok()).collect();
        Self { name: format!("{before}{after}"), limits, array }
    }

    fn limit(&self, index: usize) -> Option<u32> {
        self.limits.get(index).copied()
    }
}

/// Whether `new` holds every value of `old`.
fn holds(new: &Type<'_>, old: &Type<'_>) -> bool {
    if new.array != old.array {
        return false;
    }
    let no_shorter = |new: Option<u32>, old: Option<u32>| match (new, old) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(new), Some(old)) => new >= old,
    };
    match (old.name.as_str(), new.name.as_str()) {
        ("numeric", "numeric") => digits(new, old),
        (before, "numeric") => integer_digits(before).is_some_and(|needed| match new.limit(0) {
            None => true,
            Some(precision) => precision.saturating_sub(new.limit(1).unwrap_or(0)) >= needed,
        }),
        ("smallint", "integer" | "bigint") | ("integer", "bigint") => true,
        ("real" | "smallint", "double precision")
        | ("smallint", "real")
        | ("integer", "double precision") => true,
        (before, "text") => is_text(before) || before == "uuid",
        ("character varying", "character varying") => no_shorter(new.limit(0), old.limit(0)),
        ("character", "character") => {
            no_shorter(Some(new.limit(0).unwrap_or(1)), Some(old.limit(0).unwrap_or(1)))
        }
        ("json", "jsonb") => false,
        (before, after) => before == after && is_timed(before) && no_shorter(new.limit(0), old.limit(0)),
    }
}

fn digits(new: &Type<'_>, old: &Type<'_>) -> bool {
    match (new.limit(0), old.limit(0)) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(new_precision), Some(old_precision)) => {
            let (new_scale, old_scale) = (new.limit(1).unwrap_or(0), old.limit(1).unwrap_or(0));
            new_scale >= old_scale
                && new_precision.saturating_sub(new_scale) >= old_precision.saturating_sub(old_scale)
        }
    }
}

/// Digits of the largest value.
fn integer_digits(name: &str) -> Option<u32> {
    match name {
        "smallint" => Some(5),
        "integer" => Some(10),
        "bigint" => Some(19),
        _ => None,
    }
}

fn is_text(name: &str) -> bool {
    matches!(name, "character varying" | "text")
}

/// Types whose limit is the number of decimals of a second.
fn is_timed(name: &str) -> bool {
    name.starts_with("timestamp") || name.starts_with("time ") || name.starts_with("interval")
}

#[cfg(test)]
mod tests {
    use super::narrows;

    #[test]
    fn a_type_that_holds_every_value_of_the_old_one_is_no_narrower() {
        for (old, new) in [
            ("smallint", "integer"),
            ("integer", "bigint"),
            ("integer", "numeric(10,0)"),
            ("bigint", "numeric"),
            ("integer", "numeric(12,2)"),
            ("integer", "double precision"),
            ("character varying(20)", "character varying(40)"),
            ("character varying(20)", "character varying"),
            ("character varying(20)", "text"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3) with time zone", "timestamp with time zone"),
            ("integer[]", "bigint[]"),
            ("uuid", "text"),
        ] {
            assert!(!narrows(old, new), "{old} to {new}");
        }
    }

    #[test]
    fn a_type_that_may_cut_a_value_or_is_not_known_is_narrower() {
        for (old, new) in [
            ("bigint", "integer"),
            ("integer", "smallint"),
            ("bigint", "double precision"),
            ("integer", "real"),
            ("integer", "numeric(9,0)"),
            ("integer", "numeric(10,2)"),
            ("text", "character varying(20)"),
            ("character varying", "character varying(10)"),
            ("character varying(20)", "character varying(19)"),
            ("numeric(10,2)", "numeric(10,3)"),
            ("numeric(10,2)", "numeric(9,2)"),
            ("numeric", "numeric(38,10)"),
            ("double precision", "numeric"),
            ("timestamp with time zone", "timestamp without time zone"),
            ("timestamp with time zone", "timestamp(0) with time zone"),
            ("json", "jsonb"),
            ("character(10)", "text"),
            ("integer", "integer[]"),
            ("shop.colour", "text"),
        ] {
            assert!(narrows(old, new), "{old} to {new}");
        }
    }
}

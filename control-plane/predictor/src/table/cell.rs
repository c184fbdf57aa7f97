//! One value of a table, and what it says as a label.

/// Words that say that a value is missing.
const MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "nan", "null", "None"];

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Missing,
    Number(f64),
    Yes(bool),
    Words(&'a str),
    /// Seconds since the Unix epoch, of a column that is declared to hold times.
    Instant(f64),
}

impl<'a> Cell<'a> {
    /// The value that a cell of CSV means.
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.trim();
        if MISSING.contains(&text) {
            return Self::Missing;
        }
        match text.to_ascii_lowercase().as_str() {
            "true" => return Self::Yes(true),
            "false" => return Self::Yes(false),
            _ => {}
        }
        match text.parse::<f64>() {
            Ok(number) => Self::Number(number),
            Err(_) => Self::Words(text),
        }
    }

    /// The word that it is in a category. `None`: it is missing.
    pub(super) fn word(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Number(number) | Self::Instant(number) => Some(number.to_string()),
            Self::Yes(yes) => Some(yes.to_string()),
            Self::Words(words) => Some(words.to_owned()),
        }
    }

    /// Whether it was rolled back, as 1 or 0; NaN: not known.
    pub(super) fn label(self) -> Result<f64, &'static str> {
        const RULE: &str = "is neither true nor false, 1 nor 0, yes nor no";
        match self {
            Self::Missing => Ok(f64::NAN),
            Self::Yes(said) => Ok(f64::from(u8::from(said))),
            Self::Number(number) if number == 0.0 || number == 1.0 => Ok(number),
            Self::Number(_) | Self::Instant(_) => Err(RULE),
            Self::Words(words) => match words.to_ascii_lowercase().as_str() {
                "yes" | "y" | "t" | "rolled_back" => Ok(1.0),
                "no" | "n" | "f" | "promoted" => Ok(0.0),
                _ => Err(RULE),
            },
        }
    }
}

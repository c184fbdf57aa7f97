//! Who sent a beacon, as far as it matters: a person or not, on a phone or not, and from which country.

use crate::request::RequestView;

/// Bytes of a browser's name that are looked at.
const LOOKED_AT: usize = 512;
/// What names of programs that are no person's browser have in common, in lower case.
const BOTS: [&str; 7] = ["bot", "crawl", "spider", "slurp", "headless", "lighthouse", "prerender"];
/// A phone whose name has one of these in it.
const NO_BOT: &str = "cubot";

/// What a page is shown on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Device {
    Desktop,
    Phone,
}

impl Device {
    /// By the client hint, else by the browser's name.
    pub(crate) fn of(request: &impl RequestView) -> Self {
        let is_phone = match request.header("sec-ch-ua-mobile") {
            Some(hint) => hint == b"?1",
            None => contains(name(request), "mobi"),
        };
        if is_phone { Self::Phone } else { Self::Desktop }
    }
}

/// Where a visitor is, as the header says by which rules tell countries apart.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Country {
    /// Not told, or in another form than two letters.
    Unknown,
    /// Its code by ISO 3166-1, in upper case.
    Of([u8; 2]),
    /// One that is not told apart.
    Other,
}

impl Country {
    /// By the header of this name. `None`: no rule of the service names one.
    pub(crate) fn of(request: &impl RequestView, header: Option<&str>) -> Self {
        match header.and_then(|name| request.header(name)) {
            Some([first, second]) if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Self::Of([first.to_ascii_uppercase(), second.to_ascii_uppercase()])
            }
            _ => Self::Unknown,
        }
    }

    /// Its name on the wire.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Of(code) => String::from_utf8_lossy(&code).into_owned(),
            Self::Other => "other".to_owned(),
        }
    }
}

/// Whether a beacon is no person's: it comes from a bot, or from a page that was fetched ahead. A browser always has a name.
pub(crate) fn is_unwanted(request: &impl RequestView) -> bool {
    let ahead = |header| request.header(header).is_some_and(|purpose| contains(purpose, "prefetch"));
    let name = name(request);
    let is_bot = || BOTS.iter().any(|bot| contains(name, bot)) && !contains(name, NO_BOT);
    name.is_empty() || is_bot() || ahead("sec-purpose") || ahead("purpose")
}

fn name(request: &impl RequestView) -> &[u8] {
    let name = request.header("user-agent").unwrap_or_default();
    name.get(..LOOKED_AT).unwrap_or(name)
}

/// Whether a text holds a word, whatever its case.
fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

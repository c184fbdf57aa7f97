//! What people did on the pages of both versions, as it enters the engine.

use std::fmt;

use crate::histogram::LatencyHistogram;

/// What a page was shown on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Device {
    /// Anything but a phone.
    Desktop,
    /// A phone.
    Phone,
}

impl Device {
    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Phone => "phone",
        }
    }
}

/// Where a visitor was.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Country {
    /// Not known.
    #[default]
    Unknown,
    /// In the country of this code by ISO 3166-1, two upper-case letters.
    Of([u8; 2]),
    /// In one that is not told apart.
    Other,
}

/// What is no [`Country`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be two upper-case letters, other or empty")]
pub struct NoCountry;

impl Country {
    /// From the text of a report; empty: not known.
    ///
    /// # Errors
    /// When it is anything else than two upper-case letters or `other`.
    pub fn parse(text: &str) -> Result<Self, NoCountry> {
        match text.as_bytes() {
            [] => Ok(Self::Unknown),
            b"other" => Ok(Self::Other),
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                Ok(Self::Of([*first, *second]))
            }
            _ => Err(NoCountry),
        }
    }
}

impl fmt::Display for Country {
    /// Its name in interfaces.
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => text.write_str("unknown"),
            Self::Of([first, second]) => write!(text, "{}{}", char::from(*first), char::from(*second)),
            Self::Other => text.write_str("other"),
        }
    }
}

/// Page views that are alike in one respect.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cohort {
    /// On such a device.
    Device(Device),
    /// From the country of this code.
    Country([u8; 2]),
}

/// What is no [`Cohort`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be desktop, phone, or a country as two upper-case letters")]
pub struct NoCohort;

impl Cohort {
    /// From its name in interfaces.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, NoCohort> {
        let device = [Device::Desktop, Device::Phone].into_iter().find(|device| device.name() == text);
        match (device, Country::parse(text)) {
            (Some(device), _) => Ok(Self::Device(device)),
            (None, Ok(Country::Of(code))) => Ok(Self::Country(code)),
            (None, Ok(Country::Unknown | Country::Other) | Err(NoCountry)) => Err(NoCohort),
        }
    }

    /// As it goes on after "page views …".
    pub(crate) fn words(self) -> String {
        match self {
            Self::Device(device) => format!("on a {}", device.name()),
            Self::Country(code) => format!("from {}", Country::Of(code)),
        }
    }
}

impl fmt::Display for Cohort {
    /// Its name in interfaces.
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => text.write_str(device.name()),
            Self::Country(code) => Country::Of(*code).fmt(text),
        }
    }
}

/// What page views came to. Each count but that of clicks is one of page views, and none exceeds `views`. Merging is addition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageViews {
    /// Page views.
    pub views: u64,
    /// With an uncaught JavaScript error.
    pub with_error: u64,
    /// With a rage click.
    pub with_rage_click: u64,
    /// With a conversion.
    pub converted: u64,
    /// Left before they had loaded, or with nothing done.
    pub abandoned: u64,
    /// In which a feature that the page marks was used.
    pub used_feature: u64,
    /// With an interaction to next paint of more than 500 ms.
    pub slow_interaction: u64,
    /// With a cumulative layout shift of more than 0.25.
    pub unstable_layout: u64,
    /// Clicks, at most 1,000 of each page view.
    pub clicks: u64,
    /// Page load time of those that loaded. Absent: none did.
    pub load: Option<LatencyHistogram>,
    /// Time to the largest contentful paint of those whose browser told. Absent: none.
    pub largest_paint: Option<LatencyHistogram>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_upper_case_letters_other_or_not_known() {
        for (text, name) in [("", "unknown"), ("other", "other"), ("NL", "NL"), ("ZZ", "ZZ")] {
            assert_eq!(
                Country::parse(text).map(|country| country.to_string()),
                Ok(name.to_owned()),
                "{text}"
            );
        }
        for text in ["nl", "N", "NLD", "N1", "é", "Other", "unknown", " "] {
            assert_eq!(Country::parse(text), Err(NoCountry), "{text}");
        }
    }

    #[test]
    fn a_cohort_is_a_device_or_a_country_that_is_told_apart() {
        for name in ["desktop", "phone", "NL"] {
            assert_eq!(Cohort::parse(name).map(|cohort| cohort.to_string()), Ok(name.to_owned()));
        }
        for text in ["", "other", "unknown", "Phone", "nl", "tablet", "NLD"] {
            assert_eq!(Cohort::parse(text), Err(NoCohort), "{text}");
        }
    }
}

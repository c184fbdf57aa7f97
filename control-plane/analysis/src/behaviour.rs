//! What people did on the pages of both versions, as it enters the engine.

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

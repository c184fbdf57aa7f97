//! What streams count, and when a difference is a harm.

use serde::{Deserialize, Serialize};

use crate::evalue::Margin;
use crate::risk::HarmClass;

/// Who tells, beside the requests.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What users do, told by their browsers.
    Behaviour,
    /// What services write.
    Logs,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Behaviour, Self::Logs];

    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Logs => "logs",
        }
    }
}

/// What a stream counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Requests whose logs have a line of one template.
    LogTemplate,
    /// Page views in which a script failed.
    ScriptError,
    /// Page views in which somebody clicked one place again and again.
    RageClick,
    /// Page views that were left before the page was loaded.
    Abandonment,
    /// Page views that took longer to load than nine of ten of the baseline's.
    SlowLoad,
    /// Page views in which the user did what the page is for.
    Conversion,
    /// Page views in which a feature that the page marks was used. Told of the profile alone.
    UsedFeature,
    /// Page views with an interaction to next paint of more than 500 ms. Told of the profile alone.
    SlowInteraction,
    /// Page views with a cumulative layout shift of more than 0.25. Told of the profile alone.
    UnstableLayout,
    /// Page views as a whole. Nothing is counted as this: it is found.
    Profile,
}

/// Shares that are bet on, relative to what is allowed, where more events are worse, and where fewer are.
const MORE: [f64; 8] = [1.3, 1.7, 2.5, 4.0, 7.0, 15.0, 40.0, 150.0];
/// Part of the baseline's conversions that a canary must have by default.
pub const LEAST_CONVERSION: f64 = 0.95;
const FEWER: [f64; 8] = [0.95, 0.9, 0.8, 0.65, 0.5, 0.3, 0.1, 0.02];

impl Kind {
    /// Those that are judged by themselves.
    pub const ALL: [Self; 6] = [
        Self::LogTemplate,
        Self::ScriptError,
        Self::RageClick,
        Self::Abandonment,
        Self::SlowLoad,
        Self::Conversion,
    ];

    /// What a page view can have.
    pub const OF_PAGE_VIEWS: [Self; 8] = [
        Self::ScriptError,
        Self::RageClick,
        Self::Abandonment,
        Self::SlowLoad,
        Self::Conversion,
        Self::UsedFeature,
        Self::SlowInteraction,
        Self::UnstableLayout,
    ];

    /// The kind that is counted under this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::OF_PAGE_VIEWS).find(|kind| kind.name() == name)
    }

    /// Whether it is judged by itself.
    #[must_use]
    pub const fn is_judged(self) -> bool {
        !matches!(self, Self::UsedFeature | Self::SlowInteraction | Self::UnstableLayout | Self::Profile)
    }

    /// How many kinds that are judged tell of users.
    pub(super) const OF_BEHAVIOUR: f64 = 5.0;

    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogTemplate => "log_template",
            Self::ScriptError => "script_error",
            Self::RageClick => "rage_click",
            Self::Abandonment => "abandonment",
            Self::SlowLoad => "slow_load",
            Self::Conversion => "conversion",
            Self::UsedFeature => "used_feature",
            Self::SlowInteraction => "slow_interaction",
            Self::UnstableLayout => "unstable_layout",
            Self::Profile => "profile",
        }
    }

    /// Who tells.
    #[must_use]
    pub const fn source(self) -> Source {
        match self {
            Self::LogTemplate => Source::Logs,
            Self::ScriptError
            | Self::RageClick
            | Self::Abandonment
            | Self::SlowLoad
            | Self::Conversion
            | Self::UsedFeature
            | Self::SlowInteraction
            | Self::UnstableLayout
            | Self::Profile => Source::Behaviour,
        }
    }

    /// Fewer events are the harm.
    #[must_use]
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::Conversion)
    }

    /// Counted beside requests, not page views.
    pub(super) const fn is_per_request(self) -> bool {
        matches!(self, Self::LogTemplate)
    }

    pub(super) const fn bets(self) -> [f64; 8] {
        if self.is_wanted() { FEWER } else { MORE }
    }

    /// The canary's share of events may be this much of the baseline's: at most, or of conversions at least.
    pub(super) const fn margin(self) -> Margin {
        match self {
            Self::LogTemplate => Margin { ratio: 1.5, absolute: 0.0002 },
            Self::ScriptError => Margin { ratio: 1.1, absolute: 0.002 },
            // Those that are not judged have one only so that each has.
            Self::RageClick
            | Self::Abandonment
            | Self::SlowLoad
            | Self::UsedFeature
            | Self::SlowInteraction
            | Self::UnstableLayout
            | Self::Profile => Margin { ratio: 1.1, absolute: 0.005 },
            // The ratio is the plan's.
            Self::Conversion => Margin { ratio: LEAST_CONVERSION, absolute: 0.0 },
        }
    }

    /// Variance of the counts relative to independent events: lines and page views of one user come together.
    pub(super) const fn overdispersion(self) -> f64 {
        match self {
            Self::LogTemplate => 2.0,
            Self::ScriptError
            | Self::RageClick
            | Self::Abandonment
            | Self::SlowLoad
            | Self::Conversion
            | Self::UsedFeature
            | Self::SlowInteraction
            | Self::UnstableLayout
            | Self::Profile => 1.5,
        }
    }

    pub(super) const fn harm(self) -> HarmClass {
        match self {
            Self::LogTemplate | Self::Conversion => HarmClass::ServerError,
            Self::ScriptError | Self::RageClick => HarmClass::ScriptError,
            Self::Abandonment | Self::SlowLoad | Self::SlowInteraction | Self::UnstableLayout => {
                HarmClass::Slow
            }
            Self::UsedFeature | Self::Profile => HarmClass::Warning,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::LogTemplate => "requests with this line in the log",
            Self::ScriptError => "page views in which a script failed",
            Self::RageClick => "page views with rage clicks",
            Self::Abandonment => "page views that were left before they had loaded",
            Self::SlowLoad => "page views that loaded slowly",
            Self::Conversion => "page views that converted",
            Self::UsedFeature => "page views that used a feature",
            Self::SlowInteraction => "page views with slow interactions",
            Self::UnstableLayout => "page views whose layout moved",
            Self::Profile => "page views as a whole",
        }
    }
}

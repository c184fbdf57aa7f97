//! What the columns of a table of deployments mean.

use super::TableError;

/// When a fact is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before anything is sent to the canary: what a pipeline knows.
    Before,
    /// After the canary's first minutes.
    Canary,
}

/// What values a fact can have.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    least: f64,
    most: f64,
    /// What is told of any other value.
    pub(crate) rule: &'static str,
}

impl Bounds {
    /// Whether a number is among them.
    #[must_use]
    pub fn hold(&self, number: f64) -> bool {
        (self.least..=self.most).contains(&number)
    }
}

const fn bounds(least: f64, most: f64, rule: &'static str) -> Bounds {
    Bounds { least, most, rule }
}

const ANY: Bounds = bounds(f64::NEG_INFINITY, f64::INFINITY, "is not a number");
const UPWARDS: Bounds = bounds(0.0, f64::INFINITY, "is below 0, which it cannot be");
const PART: Bounds = bounds(0.0, 1.0, "is no part of 1, from 0 to 1");
const DIFFERENCE: Bounds = bounds(-1.0, 1.0, "is no difference of parts of 1, from -1 to 1");
const POINTS: Bounds = bounds(-100.0, 100.0, "is no difference of percentages, from -100 to 100");
const OF_TEN: Bounds = bounds(0.0, 10.0, "is not from 0 to 10, of the last ten deployments");
const HOUR: Bounds = bounds(0.0, 23.0, "is no hour of the day, from 0 to 23");
const WEEKDAY: Bounds = bounds(1.0, 7.0, "is no day of the week, from 1 (Monday) to 7 (Sunday)");

/// A fact about a deployment that has a name of its own.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The column.
    pub name: &'static str,
    /// What it says, with its unit.
    pub meaning: &'static str,
    /// When it is known.
    pub stage: Stage,
    /// What values it can have.
    pub bounds: Bounds,
}

const fn before(name: &'static str, meaning: &'static str, bounds: Bounds) -> Fact {
    Fact { name, meaning, stage: Stage::Before, bounds }
}

const fn canary(name: &'static str, meaning: &'static str, bounds: Bounds) -> Fact {
    Fact { name, meaning, stage: Stage::Canary, bounds }
}

/// The measures that have a name of their own, in the order in which simulated tables have them.
pub const FACTS: [Fact; 27] = [
    before("lines_added", "lines added", UPWARDS),
    before("lines_deleted", "lines deleted", UPWARDS),
    before("files", "files changed", UPWARDS),
    before("directories", "directories with a change", UPWARDS),
    before("entropy", "how evenly the change is spread over its files, bits", UPWARDS),
    before("services", "services changed", UPWARDS),
    before("migrations", "schema changes", UPWARDS),
    before("dependencies", "dependencies changed", UPWARDS),
    before("config_changes", "settings changed", UPWARDS),
    before("tests_passed", "part of the tests that passed, 0 to 1", PART),
    before("coverage_delta", "change of test coverage, percentage points", POINTS),
    before("hours_since_deploy", "hours since the last deployment of the service", UPWARDS),
    before("recent_rollbacks", "rollbacks among the service's last ten deployments", OF_TEN),
    before("hour", "hour of the day, 0 to 23", HOUR),
    before("weekday", "day of the week, 1 Monday to 7 Sunday", WEEKDAY),
    before("baseline_error_rate", "part of the baseline's requests that fail, 0 to 1", PART),
    before("baseline_p99_ms", "99th percentile of the baseline's latency, ms", UPWARDS),
    before("traffic_rps", "requests a second of the service", UPWARDS),
    before("staging_latency_ratio", "latency in staging over that of the previous version", UPWARDS),
    before("staging_error_rate", "part of the requests in staging that fail, 0 to 1", PART),
    before("staging_cpu_ratio", "processor time in staging over that of the previous version", UPWARDS),
    before("staging_memory_ratio", "memory in staging over that of the previous version", UPWARDS),
    canary(
        "canary_error_difference",
        "error rate of the canary less that of the baseline after two minutes",
        DIFFERENCE,
    ),
    canary(
        "canary_latency_ratio",
        "median latency of the canary over that of the baseline after two minutes",
        UPWARDS,
    ),
    canary("canary_p99_ratio", "99th percentile of latency of the canary over that of the baseline", UPWARDS),
    canary("canary_log_evidence", "natural logarithm of the evidence of harm after two minutes", ANY),
    canary("canary_memory_slope", "growth of the canary's memory, percent a minute", ANY),
];

/// The fact of this name.
#[must_use]
pub fn fact(name: &str) -> Option<Fact> {
    FACTS.into_iter().find(|fact| fact.name == name)
}

/// Which columns have a role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    /// Whether the deployment was rolled back.
    pub label: String,
    /// When it began: seconds since the Unix epoch, or a date.
    pub time: String,
    /// Columns of words.
    pub categories: Vec<String>,
    /// Columns that are left out, whatever they hold.
    pub ignored: Vec<String>,
    /// Columns that hold numbers, beside the facts: words in them are refused.
    pub measures: Vec<String>,
    /// Columns that the table must have, beside label and time.
    pub demanded: Vec<String>,
    /// Refuse a table without label or time. A table to be scored needs neither.
    pub labelled: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            label: "rolled_back".to_owned(),
            time: "at".to_owned(),
            categories: vec!["service".to_owned()],
            ignored: Vec::new(),
            measures: Vec::new(),
            demanded: Vec::new(),
            labelled: true,
        }
    }
}

/// The names of a table's columns that no model learns from.
#[derive(Clone, Debug, serde::Deserialize, Eq, PartialEq, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The label.
    pub label: String,
    /// The time.
    pub time: String,
    /// What is left out.
    pub ignored: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Layout::default().names()
    }
}

impl Names {
    /// Whether they are those that hold where nothing is said.
    pub(crate) fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// The true probability of a simulated deployment: it is the answer, so no model may learn from it.
pub(crate) const TRUTH: &str = "true_probability";

/// What a column is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Label,
    Time,
    Category,
    Ignored,
    /// A measure that is known to be one: words are refused.
    Measure,
    /// A measure, if it holds numbers.
    Other,
}

impl Role {
    /// As what a column is named.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Label => "the label",
            Self::Time => "the time",
            Self::Category => "a category",
            Self::Ignored => "one to leave out",
            Self::Measure | Self::Other => "a measure",
        }
    }
}

impl Layout {
    pub(crate) fn names(&self) -> Names {
        let Self { label, time, ignored, .. } = self;
        Names { label: label.clone(), time: time.clone(), ignored: ignored.clone() }
    }

    /// Refuses a column that is named as two things.
    pub(crate) fn check(&self) -> Result<(), TableError> {
        let named = [(&self.label, Role::Label), (&self.time, Role::Time)].into_iter();
        let named = named.chain(self.categories.iter().map(|name| (name, Role::Category)));
        let named: Vec<_> = named.chain(self.ignored.iter().map(|name| (name, Role::Ignored))).collect();
        for (position, (column, role)) in named.iter().enumerate() {
            let before = named.iter().take(position);
            if let Some((_, other)) = before.clone().find(|(name, other)| name == column && other != role) {
                let (one, other) = (other.word(), role.word());
                return Err(TableError::TwoRoles { column: (*column).clone(), one, other });
            }
        }
        Ok(())
    }

    pub(crate) fn role(&self, name: &str) -> Role {
        if name == self.label {
            Role::Label
        } else if name == self.time {
            Role::Time
        } else if name == TRUTH || self.ignored.iter().any(|own| own == name) {
            Role::Ignored
        } else if self.categories.iter().any(|own| own == name) {
            Role::Category
        } else if fact(name).is_some() || self.measures.iter().any(|own| own == name) {
            Role::Measure
        } else {
            Role::Other
        }
    }
}

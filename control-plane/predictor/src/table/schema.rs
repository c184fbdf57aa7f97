//! What the columns of a table of deployments mean.

/// When a fact is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before anything is sent to the canary: what a pipeline knows.
    Before,
    /// After the canary's first minutes.
    Canary,
}

/// A fact about a deployment that has a name of its own.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The column.
    pub name: &'static str,
    /// What it says, with its unit.
    pub meaning: &'static str,
    /// When it is known.
    pub stage: Stage,
}

const fn before(name: &'static str, meaning: &'static str) -> Fact {
    Fact { name, meaning, stage: Stage::Before }
}

const fn canary(name: &'static str, meaning: &'static str) -> Fact {
    Fact { name, meaning, stage: Stage::Canary }
}

/// The measures that have a name of their own, in the order in which simulated tables have them.
pub const FACTS: [Fact; 27] = [
    before("lines_added", "lines added"),
    before("lines_deleted", "lines deleted"),
    before("files", "files changed"),
    before("directories", "directories with a change"),
    before("entropy", "how evenly the change is spread over its files, bits"),
    before("services", "services changed"),
    before("migrations", "schema changes"),
    before("dependencies", "dependencies changed"),
    before("config_changes", "settings changed"),
    before("tests_passed", "part of the tests that passed, 0 to 1"),
    before("coverage_delta", "change of test coverage, percentage points"),
    before("hours_since_deploy", "hours since the last deployment of the service"),
    before("recent_rollbacks", "rollbacks among the service's last ten deployments"),
    before("hour", "hour of the day, 0 to 23"),
    before("weekday", "day of the week, 1 Monday to 7 Sunday"),
    before("baseline_error_rate", "part of the baseline's requests that fail, 0 to 1"),
    before("baseline_p99_ms", "99th percentile of the baseline's latency, ms"),
    before("traffic_rps", "requests a second of the service"),
    before("staging_latency_ratio", "latency in staging over that of the previous version"),
    before("staging_error_rate", "part of the requests in staging that fail, 0 to 1"),
    before("staging_cpu_ratio", "processor time in staging over that of the previous version"),
    before("staging_memory_ratio", "memory in staging over that of the previous version"),
    canary("canary_error_difference", "error rate of the canary less that of the baseline after two minutes"),
    canary(
        "canary_latency_ratio",
        "median latency of the canary over that of the baseline after two minutes",
    ),
    canary("canary_p99_ratio", "99th percentile of latency of the canary over that of the baseline"),
    canary("canary_log_evidence", "natural logarithm of the evidence of harm after two minutes"),
    canary("canary_memory_slope", "growth of the canary's memory, percent a minute"),
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
    /// When it began: seconds since the Unix epoch, or a date of RFC 3339.
    pub time: String,
    /// Columns of words.
    pub categories: Vec<String>,
    /// Columns that are left out.
    pub ignored: Vec<String>,
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
            labelled: true,
        }
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
    /// A measure that has a name of its own: words are refused.
    Fact,
    /// A measure, if it holds numbers.
    Other,
}

impl Layout {
    pub(crate) fn role(&self, name: &str) -> Role {
        if name == self.label {
            Role::Label
        } else if name == self.time {
            Role::Time
        } else if name == TRUTH || self.ignored.iter().any(|own| own == name) {
            Role::Ignored
        } else if self.categories.iter().any(|own| own == name) {
            Role::Category
        } else if fact(name).is_some() {
            Role::Fact
        } else {
            Role::Other
        }
    }
}

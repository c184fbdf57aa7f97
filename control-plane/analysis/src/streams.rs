//! What logs and users tell, beside the requests.
//!
//! A stream counts events of one kind in both arms: lines of one log template per request, page views in which a script
//! failed. Each is tested second by second with the formula of the requests' errors ([`crate::evalue`]), so what strikes
//! both versions alike cancels. A source's evidence is the weighted sum over its streams, whose weights are settled when
//! a stream is first seen and sum to at most 1: that is an e-process again, so a source has one error budget however
//! many streams it has (Vovk and Wang 2021). A stream counts only after the second that showed it first.
//!
//! Events come late and in any order; a second closes [`LAG_S`] after its end, and until then the order of merging does
//! not change a bit of the result. Bounds: [`MAX_STREAMS`] streams that are harms and as many that are not, and of each kind two of
//! devices and [`COUNTRIES_MAX`] of countries; further ones are counted and not judged.

mod confidence;
mod finding;
mod kind;
mod margins;
mod pairs;
mod part;
mod process;
mod profile;
mod sources;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::increment::{Arm, ByArm};
use crate::onset::StartPrior;
use crate::verdict::Verdict;
pub use confidence::{Confidences, FROM_MAX, POINTS_MAX, Point, PointsError};
pub use finding::Finding;
pub use kind::{Kind, LEAST_CONVERSION, Source};
pub use margins::{Margins, Observed, projected};
pub use part::COUNTRIES_MAX;
use part::Part;
use process::Stream;
use profile::Profile;
pub use profile::{Peculiarity, Trait};
pub use sources::{SourceRisk, Sources, SourcesRisk};

/// Streams of one rollout that are harms at most, and those that are not, cohorts of page views apart.
pub const MAX_STREAMS: usize = 128;
/// Seconds after its end at which a second closes: exporters of logs send every 5 s.
pub const LAG_S: u64 = 8;
/// Seconds that wait at most; of more, the oldest close.
const MAX_PENDING_SECONDS: usize = 120;
/// Streams of one second at most.
const MAX_IN_SECOND: usize = 640;
/// Seconds beyond the clock that are taken.
const MAX_AHEAD_S: u64 = 60;

/// What a stream is about.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StreamId {
    /// What is counted.
    pub kind: Kind,
    /// Component of the events. Empty: the whole version.
    pub component: String,
    /// Which one, where there are many of a kind: the template, or of page views the [cohort](crate::Cohort). Else empty.
    pub name: String,
}

/// Events of one stream in one second of one arm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamCounts {
    /// The stream.
    pub id: StreamId,
    /// Unix time, in whole seconds, in which they happened.
    pub second: u64,
    /// The arm.
    pub arm: Arm,
    /// Events.
    pub events: u64,
    /// Page views in which they could have happened. `None`: the requests of the second.
    pub exposures: Option<u64>,
    /// A harm by itself, such as an exception: it may undo the version. Else it is only told.
    pub is_harmful: bool,
    /// Masked texts, of which a few are kept.
    pub samples: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Cell {
    events: ByArm<u64>,
    exposures: ByArm<u64>,
    is_harmful: bool,
    samples: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Pending {
    requests: ByArm<u64>,
    #[serde(with = "pairs")]
    cells: BTreeMap<StreamId, Cell>,
}

impl Cell {
    fn add(&mut self, counts: &StreamCounts) {
        add(&mut self.events, counts.arm, counts.events);
        add(&mut self.exposures, counts.arm, counts.exposures.unwrap_or_default());
        self.is_harmful |= counts.is_harmful;
        for sample in &counts.samples {
            self.samples.push(sample.clone());
        }
        // Those that are kept must not depend on the order of merging.
        self.samples.sort_unstable();
        self.samples.dedup();
        self.samples.truncate(finding::SAMPLES);
    }
}

fn add(into: &mut ByArm<u64>, arm: Arm, count: u64) {
    let into = match arm {
        Arm::Baseline => &mut into.baseline,
        Arm::Canary => &mut into.canary,
    };
    *into = into.saturating_add(count);
}

/// The streams of one rollout.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Streams {
    sources: Sources,
    streams: Vec<Stream>,
    pending: BTreeMap<u64, Pending>,
    prior: StartPrior,
    mass: f64,
    /// First second that is not closed.
    next_second: u64,
    at_second: u64,
    /// Of each source, seconds before this are no evidence.
    exclude_until: [u64; 2],
    /// Of each source, events that were not judged.
    dropped: [u64; 2],
    /// What the evidence of each source must reach beyond its threshold.
    log_extra: f64,
    /// Part of the baseline's conversions that the canary must have.
    least_conversion: f64,
    #[serde(default)]
    margins: Margins,
    #[serde(default)]
    confidences: Confidences,
    #[serde(default)]
    profile: Profile,
}

impl Streams {
    /// Streams of the sources that a rollout begins with. `horizon_s`: the time in which a harm is expected to begin.
    #[must_use]
    pub fn new(sources: Sources, horizon_s: u64) -> Self {
        Self {
            sources,
            streams: Vec::new(),
            pending: BTreeMap::new(),
            prior: StartPrior::new(horizon_s),
            mass: 0.0,
            next_second: 0,
            at_second: 0,
            exclude_until: [0; 2],
            dropped: [0; 2],
            log_extra: 0.0,
            least_conversion: LEAST_CONVERSION,
            margins: Margins::default(),
            confidences: Confidences::default(),
            profile: Profile::default(),
        }
    }

    /// The canary must have this part of the baseline's conversions, 0 to 1.
    #[must_use]
    pub fn with_least_conversion(self, least_conversion: f64) -> Self {
        Self { least_conversion, ..self }
    }

    /// The canary may be worse by these margins. To be said before anything is merged: what was begun keeps its margin.
    #[must_use]
    pub fn with_margins(self, margins: Margins) -> Self {
        Self { margins, ..self }
    }

    /// Findings are believed as `confidences` say. Evidence and verdicts are the same without.
    #[must_use]
    pub fn with_confidences(self, confidences: Confidences) -> Self {
        Self { confidences, ..self }
    }

    /// Adds requests that started in `second`: what lines of logs are counted beside.
    pub fn expose(&mut self, second: u64, arm: Arm, requests: u64) {
        if let Some(pending) = self.pending(second) {
            add(&mut pending.requests, arm, requests);
        }
    }

    /// Adds what was counted. What is of no source of this rollout is left out.
    pub fn merge(&mut self, counts: &StreamCounts) {
        if !self.sources.has(counts.id.kind.source()) {
            return;
        }
        let is_taken = self.pending(counts.second).is_some_and(|pending| {
            if pending.cells.len() >= MAX_IN_SECOND && !pending.cells.contains_key(&counts.id) {
                return false;
            }
            pending.cells.entry(counts.id.clone()).or_default().add(counts);
            true
        });
        if !is_taken {
            self.drop_events(counts.id.kind.source(), counts.events);
        }
    }

    fn pending(&mut self, second: u64) -> Option<&mut Pending> {
        let is_open = second >= self.next_second
            && (self.at_second == 0 || second <= self.at_second.saturating_add(MAX_AHEAD_S));
        let has_room = self.pending.len() < MAX_PENDING_SECONDS || self.pending.contains_key(&second);
        (is_open && has_room).then(|| self.pending.entry(second).or_default())
    }

    /// A step of the plan starts at `second`: a harm is then more likely to begin.
    pub fn step_started(&mut self, second: u64) {
        self.prior.step_started(second);
    }

    /// What `source` tells of seconds before `second` is no evidence: the canary warms up, or is new to its users.
    pub fn exclude_until(&mut self, source: Source, second: u64) {
        if let Some(until) = self.exclude_until.get_mut(source as usize) {
            *until = second;
        }
    }

    /// From now on page views as a whole are not compared, because other pages or other people are on the canary than by chance.
    pub fn stop_profile(&mut self) {
        self.profile.stop();
    }

    /// From now on evidence must reach so many times the odds; less than 1, or no number, counts as 1.
    pub fn set_odds_factor(&mut self, times: f64) {
        self.log_extra = times.max(1.0).ln();
    }

    /// Closes the seconds that are due at `now_second`.
    pub fn advance(&mut self, now_second: u64) {
        self.at_second = self.at_second.max(now_second);
        let due = self.at_second.saturating_sub(LAG_S);
        while let Some(entry) = self.pending.first_entry()
            && *entry.key() < due
        {
            let (second, pending) = entry.remove_entry();
            self.close(second, pending);
        }
        self.next_second = self.next_second.max(due);
    }

    fn close(&mut self, second: u64, pending: Pending) {
        let Pending { requests, mut cells } = pending;
        self.mass += self.prior.mass_at(second);
        let [behaviour, logs] = self.exclude_until;
        if second >= behaviour {
            let of_trait = |kind| {
                let id = StreamId { kind, component: String::new(), name: String::new() };
                cells.get(&id).map(|cell| (cell.events, cell.exposures)).unwrap_or_default()
            };
            self.profile.close(second, Kind::OF_PAGE_VIEWS.map(of_trait));
        }
        cells.retain(|id, _| id.kind.is_judged());
        for stream in &mut self.streams {
            let cell = cells.remove(stream.id()).unwrap_or_default();
            let from = match stream.id().kind.source() {
                Source::Behaviour => behaviour,
                Source::Logs => logs,
            };
            let exposures = if stream.id().kind.is_per_request() { requests } else { cell.exposures };
            stream.close(second, cell.events, exposures, (second >= from).then_some(self.mass));
            stream.show(cell.samples);
        }
        for (id, cell) in cells {
            self.begin(id, cell, second, requests);
        }
    }

    /// A stream that was not seen before.
    fn begin(&mut self, id: StreamId, cell: Cell, second: u64, requests: ByArm<u64>) {
        let alike = self.streams.iter().filter(|stream| stream.is_harmful() == cell.is_harmful);
        let before = alike.clone().filter(|stream| stream.shares_weight(&id, cell.is_harmful)).count();
        let is_full = match Part::of(&id).most() {
            Some(most) => before >= most,
            None => alike.filter(|stream| stream.part().most().is_none()).count() >= MAX_STREAMS,
        };
        if is_full {
            let ByArm { baseline, canary } = cell.events;
            self.drop_events(id.kind.source(), baseline.saturating_add(canary));
            return;
        }
        let Some(log_threshold) = self.sources.log_threshold(id.kind.source()) else { return };
        let exposures = if id.kind.is_per_request() { requests } else { cell.exposures };
        let margin = self.margins.margin(id.kind, self.least_conversion);
        let mut stream = Stream::new(id, second, cell.is_harmful, before, log_threshold, margin);
        stream.count(cell.events, exposures);
        stream.skip_mass(self.mass);
        stream.show(cell.samples);
        self.streams.push(stream);
    }

    /// What is found, harms before all else and the strongest evidence first; those that show nothing are left out. Where a
    /// source crossed, at least its strongest is regressed.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.streams.iter().filter_map(|stream| stream.finding(self.log_extra)).collect();
        for finding in findings.iter_mut().filter(|finding| finding.is_harmful) {
            let usual = Margins::default().margin(finding.kind, self.least_conversion);
            finding.learned_confidence = self.confidences.of(finding.kind, finding.effect_to(usual));
        }
        findings.extend(self.profile.finding());
        findings.sort_by(|a, b| {
            let harm = b.is_harmful.cmp(&a.is_harmful);
            harm.then(b.weighted().total_cmp(&a.weighted())).then(a.name.cmp(&b.name))
        });
        for source in self.crossed() {
            let mut of_source =
                findings.iter_mut().filter(|finding| finding.is_harmful && finding.kind.source() == source);
            if let Some(strongest) = of_source.next() {
                strongest.verdict = Verdict::Regressed;
            }
        }
        findings
    }

    /// What every stream of the version and its components has counted, in the order in which they were first seen. Those of cohorts
    /// count the same page views again, and are left out.
    pub fn observed(&self) -> impl Iterator<Item = Observed> + '_ {
        self.streams.iter().filter(|stream| stream.part().most().is_none()).map(Stream::observed)
    }

    /// Natural logarithm of the evidence of all streams of `source` together.
    #[must_use]
    pub fn log_evidence(&self, source: Source) -> f64 {
        let of = self.streams.iter().filter(|stream| stream.id().kind.source() == source);
        crate::evalue::told(crate::evalue::log_sum(of.map(Stream::weighted_log_evidence)))
    }

    /// The sources whose evidence reaches what is asked of it.
    pub fn crossed(&self) -> impl Iterator<Item = Source> + '_ {
        Source::ALL.into_iter().filter(|source| {
            let threshold = self.sources.log_threshold(*source);
            threshold.is_some_and(|threshold| self.log_evidence(*source) >= threshold + self.log_extra)
        })
    }

    /// Whether a source speaks against the canary so much that nothing is promoted.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        Source::ALL.into_iter().any(|source| crate::verdict::is_doubtful(self.log_evidence(source)))
    }

    fn drop_events(&mut self, source: Source, events: u64) {
        if let Some(dropped) = self.dropped.get_mut(source as usize) {
            *dropped = dropped.saturating_add(events);
        }
    }

    /// Events of `source` that were not judged: too late, too far ahead, or of more streams than there may be.
    #[must_use]
    pub fn dropped(&self, source: Source) -> u64 {
        self.dropped.get(source as usize).copied().unwrap_or_default()
    }

    /// What the rollout began with.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }
}

#[cfg(test)]
mod tests;

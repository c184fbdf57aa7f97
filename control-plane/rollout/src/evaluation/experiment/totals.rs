//! What was counted since an experiment began, and in which of its stretches.
//!
//! When an arm is stopped its users add to the control, which then has a larger part of the later hours than the arms that go
//! on. So the control is counted by stretch, in each of which it had one weight. An arm is compared with what the control would
//! have counted at the weight of the first: later stretches count by the ratio of the weights. Counts that are scaled down vary
//! less than those of so many requests, so intervals stay valid: for a part c below 1, E exp(-m c X) <= (E exp(-m X))^c.
//!
//! A request counts from its start, and its failure from its end. What is compared therefore waits until requests have ended:
//! else an arm whose failures take long would look better than it is at any moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::config::Failures;
use serin_analysis::{ArmTotals, Increment, LatencyHistogram};

/// Spans of time whose late reports are still counted.
const SPANS: usize = 16;
/// Age of requests from which they are compared, in seconds: Envoy ends a request after 15 s unless told otherwise.
const SETTLED_S: u64 = 20;
/// Requests wait together with those of this many seconds.
const SLOT_S: u64 = 5;
/// Slots that wait at most; beyond that the oldest is compared.
const SLOTS: usize = 16;

/// Totals of one arm: of the service and of each of its components.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Totals {
    pub(super) whole: ArmTotals,
    pub(super) components: BTreeMap<String, ArmTotals>,
}

/// Totals of one arm, of which the latest wait to be compared.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Waiting {
    settled: Totals,
    /// By slot.
    slots: BTreeMap<u64, Totals>,
}

/// The control's totals, by stretch, and when each was.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Track {
    /// By the time at which they began. Neighbours have different weights.
    stretches: Vec<Stretch>,
    /// Oldest first, none overlapping; pauses lie between them.
    spans: Vec<Span>,
    /// The latest second that is known of.
    newest: u64,
}

/// Seconds in which the control had one weight.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Stretch {
    control_ppm: u32,
    totals: Waiting,
}

/// Seconds without a pause between them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Span {
    from: u64,
    /// The second after the last. `None`: it goes on.
    until: Option<u64>,
    /// Position of its stretch.
    stretch: usize,
}

impl Totals {
    /// Adds what one source measured.
    fn add(&mut self, component: &str, measured: &Increment, failures: &Failures) {
        self.whole.add(measured, failures);
        match self.components.get_mut(component) {
            Some(totals) => totals.add(measured, failures),
            None => self.components.entry(component.to_owned()).or_default().add(measured, failures),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.whole.merge(&other.whole);
        for (name, totals) in &other.components {
            match self.components.get_mut(name) {
                Some(known) => known.merge(totals),
                None => _ = self.components.insert(name.clone(), totals.clone()),
            }
        }
    }

    /// Those of a component. `None`: of the service.
    pub(super) fn of(&self, component: Option<&str>) -> Option<&ArmTotals> {
        match component {
            Some(name) => self.components.get(name),
            None => Some(&self.whole),
        }
    }
}

impl Waiting {
    /// Adds what one source measured.
    pub(super) fn add(&mut self, component: &str, measured: &Increment, failures: &Failures) {
        let slot = measured.start_second / SLOT_S;
        self.slots.entry(slot).or_default().add(component, measured, failures);
    }

    /// Lets what is old enough be compared in the second `newest`.
    pub(super) fn settle(&mut self, newest: u64) {
        while let Some(oldest) = self.slots.first_entry() {
            let end = oldest.key().saturating_add(1).saturating_mul(SLOT_S);
            if end.saturating_add(SETTLED_S) > newest && self.slots.len() <= SLOTS {
                return;
            }
            let Some((_, totals)) = self.slots.pop_first() else { return };
            self.settled.merge(&totals);
        }
    }

    /// What is compared, of a component or of the service.
    pub(super) fn settled(&self, component: Option<&str>) -> Option<&ArmTotals> {
        self.settled.of(component)
    }

    /// All that was counted.
    pub(super) fn all(&self, component: Option<&str>) -> ArmTotals {
        let mut sum = self.settled.of(component).cloned().unwrap_or_default();
        self.slots.values().filter_map(|totals| totals.of(component)).for_each(|totals| sum.merge(totals));
        sum
    }
}

impl Track {
    /// How many stretches there were.
    pub(super) fn stretches(&self) -> usize {
        self.stretches.len()
    }

    /// The stretch of a second. `None`: the experiment did not run then.
    pub(super) fn at(&self, second: u64) -> Option<usize> {
        let of = |span: &&Span| second >= span.from && span.until.is_none_or(|until| second < until);
        self.spans.iter().find(of).map(|span| span.stretch)
    }

    /// Adds what one source measured of the control.
    pub(super) fn add(&mut self, stretch: usize, component: &str, measured: &Increment, failures: &Failures) {
        if let Some(stretch) = self.stretches.get_mut(stretch) {
            stretch.totals.add(component, measured, failures);
        }
    }

    /// It is `second`, or a request started then. The latest of all.
    pub(super) fn reach(&mut self, second: u64) -> u64 {
        self.newest = self.newest.max(second);
        let newest = self.newest;
        self.stretches.iter_mut().for_each(|stretch| stretch.totals.settle(newest));
        newest
    }

    /// From the second after `second` on the control has this weight, in parts per million. `None`: the experiment does not
    /// run. What is so already does not change.
    pub(super) fn settle(&mut self, control_ppm: Option<u32>, second: u64) {
        let stretches = &self.stretches;
        let open = self.spans.last_mut().filter(|span| span.until.is_none());
        if let Some(open) = open {
            let is_same = stretches.get(open.stretch).map(|stretch| stretch.control_ppm) == control_ppm;
            if is_same {
                return;
            }
            open.until = Some(second.max(open.from));
        }
        let Some(control_ppm) = control_ppm else { return };
        if self.stretches.last().is_none_or(|last| last.control_ppm != control_ppm) {
            self.stretches.push(Stretch { control_ppm, totals: Waiting::default() });
        }
        let stretch = self.stretches.len().saturating_sub(1);
        self.spans.push(Span { from: second.saturating_add(1), until: None, stretch });
        let old = self.spans.len().saturating_sub(SPANS);
        self.spans.drain(..old);
    }

    /// All that the control counted, of a component or of the service.
    pub(super) fn all(&self, component: Option<&str>) -> ArmTotals {
        let mut sum = ArmTotals::default();
        self.stretches.iter().for_each(|stretch| sum.merge(&stretch.totals.all(component)));
        sum
    }

    /// What is compared of the first so many stretches, each at the weight of the first.
    pub(super) fn beside(&self, stretches: Option<usize>, component: Option<&str>) -> ArmTotals {
        let first_ppm = self.stretches.first().map_or(0, |first| first.control_ppm);
        let mut sum = ArmTotals::default();
        for stretch in self.stretches.iter().take(stretches.unwrap_or(usize::MAX)) {
            let Some(totals) = stretch.totals.settled(component) else { continue };
            if stretch.control_ppm <= first_ppm {
                sum.merge(totals);
            } else {
                sum.merge(&scaled(totals, f64::from(first_ppm) / f64::from(stretch.control_ppm)));
            }
        }
        sum
    }
}

/// A part of the counts, from 0 to 1, rounded. Of latencies the ranks are scaled, so that bins of few are not rounded away or up
/// all alike.
pub(super) fn scaled(totals: &ArmTotals, part: f64) -> ArmTotals {
    // The cast saturates, and the product is no more than the count.
    let of = |count: u64| (count as f64 * part).round() as u64;
    let (mut latency, mut rank, mut recorded) = (LatencyHistogram::new(), 0_u64, 0);
    for (us, count) in totals.latency().highest_us() {
        rank = rank.saturating_add(count);
        let until = of(rank);
        latency.record_n(us, until.saturating_sub(recorded));
        recorded = until;
    }
    let mut scaled = ArmTotals::default();
    scaled.add_counts(of(totals.requests()), of(totals.failed()), &latency);
    scaled
}

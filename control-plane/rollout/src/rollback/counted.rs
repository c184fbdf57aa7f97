//! What is measured after a rollback was decided: which requests still go to what was returned, and how the baseline fares.
//!
//! The evidence of a rollout ends with it, so this counts on its own, and only while a rollback is carried out. A second is whole
//! once every VM that lives has reported past it. The baseline is looked at in windows that begin after the last request to what
//! was returned; one that shows it beyond the limits is followed by another.

use std::collections::BTreeMap;

use serin_analysis::chance::least_beyond;
use serin_analysis::config::Failures;
use serin_analysis::{LatencyHistogram, Outcomes};
use serin_proto::assignment::BASELINE;

use super::{Returned, Sighting, WINDOW_S};
use crate::plan::Limits;
use crate::step::exceeded;
use crate::{ArmWindow, UnixMillis};

/// Seconds without a word after which a VM is not waited for.
const SILENT_S: u64 = 5;
/// VMs that are waited for. Beyond, new ones are not.
const VMS_MAX: usize = 65_536;
/// Part of the requests above the 99th percentile.
const ABOVE_P99: f64 = 0.01;

/// Counts since a rollback was decided.
#[derive(Clone, Debug)]
pub struct Counted {
    since: UnixMillis,
    /// By VM, the second before which it has reported everything, and when it said so.
    complete: BTreeMap<u64, (u64, UnixMillis)>,
    /// Newest second in which a request to what was returned began.
    last: Option<u64>,
    late_requests: u64,
    /// First second of the window.
    from: u64,
    window: ArmWindow,
    latency: LatencyHistogram,
    /// The last window that showed the baseline beyond the limits, and its seconds.
    beyond: Option<(u64, ArmWindow)>,
}

/// What one arm of one component had in one second.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Component.
    pub component: &'a str,
    /// Arm.
    pub arm: &'a str,
    /// Second in which the requests began.
    pub second: u64,
    /// Requests that began.
    pub started: u64,
    /// Requests that ended.
    pub outcomes: &'a Outcomes,
    /// Their latency.
    pub latency: Option<&'a LatencyHistogram>,
}

impl Counted {
    /// Begins.
    #[must_use]
    pub fn new(since: UnixMillis) -> Self {
        Self {
            since,
            complete: BTreeMap::new(),
            last: None,
            late_requests: 0,
            from: since.second().saturating_add(1),
            window: ArmWindow::default(),
            latency: LatencyHistogram::new(),
            beyond: None,
        }
    }

    /// Adds what a VM measured.
    pub fn add(&mut self, returned: &Returned, failures: &Failures, measured: &Measured<'_>) {
        let Measured { component, arm, second, started, outcomes, latency } = *measured;
        if second <= self.since.second() {
            return;
        }
        if returned.covers(component, arm, BASELINE) && started > 0 {
            self.late_requests = self.late_requests.saturating_add(started);
            if self.last.is_none_or(|last| last < second) {
                self.last = Some(second);
                self.begin_window(second.saturating_add(1));
            }
        } else if returned.returns_to(component, arm, BASELINE) && second >= self.from {
            let window = &mut self.window;
            window.requests = window.requests.saturating_add(outcomes.finished());
            let failed: u64 = failures.categories().map(|category| outcomes.of(category)).sum();
            window.errors = window.errors.saturating_add(failed);
            window.client_errors = window.client_errors.saturating_add(outcomes.client_error);
            latency.into_iter().for_each(|latency| self.latency.merge(latency));
        }
    }

    /// A VM lives and has reported everything that began before the second `complete_until`.
    pub fn progress(&mut self, source: u64, complete_until: u64, now: UnixMillis) {
        if self.complete.len() < VMS_MAX || self.complete.contains_key(&source) {
            self.complete.insert(source, (complete_until, now));
        }
    }

    /// What is seen now. A window that shows the baseline beyond `limits` stands until the next one is long enough.
    pub fn look(&mut self, limits: &Limits, now: UnixMillis) -> Sighting {
        let whole_until = self.whole_until(now);
        let from = self.last.map_or(self.since.second(), |last| last).saturating_add(1);
        let length_s = whole_until.map_or(0, |until| until.saturating_sub(self.from));
        let window = self.baseline();
        let is_long = length_s >= WINDOW_S && window.requests >= limits.min_requests;
        if is_long && exceeded(limits, &window).is_some() {
            self.begin_window(whole_until.unwrap_or(self.from));
            self.beyond = Some((length_s, window));
        }
        let present = (length_s, window);
        let (window_s, baseline) = if is_long { present } else { self.beyond.unwrap_or(present) };
        Sighting {
            quiet_s: whole_until.map(|until| until.saturating_sub(from)),
            late_requests: self.late_requests,
            window_s,
            baseline,
            ..Sighting::default()
        }
    }

    fn begin_window(&mut self, from: u64) {
        (self.from, self.window, self.latency) = (from, ArmWindow::default(), LatencyHistogram::new());
    }

    fn baseline(&self) -> ArmWindow {
        let timed = self.latency.count();
        // The middle between two ranks, so that rounding does not reach the next.
        let least = (timed as f64 + 0.5 - least_beyond(timed, ABOVE_P99) as f64) / timed.max(1) as f64;
        ArmWindow {
            latency_p99_us: self.latency.quantile_us(1.0 - ABOVE_P99),
            latency_p99_least_us: (least > 0.0).then(|| self.latency.quantile_us(least)).flatten(),
            ..self.window
        }
    }

    /// The second before which all VMs that live have reported everything. `None`: none lives.
    fn whole_until(&self, now: UnixMillis) -> Option<u64> {
        let live = self.complete.values().filter(|(_, at)| now.since(*at).as_secs() < SILENT_S);
        live.map(|(until, _)| *until).min()
    }
}

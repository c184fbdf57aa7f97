//! One series: what happened in it, from when to when.

use std::collections::VecDeque;

use crate::amount::Amount;
use crate::point::{Kind, Temporality};
use crate::store::Fate;
use crate::{KEPT, STRETCH, ns};

/// What happened from `start_ns` to `end_ns`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) amount: Amount,
}

/// A series.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    kind: Kind,
    bounds: Vec<f64>,
    /// Since when its writer counts. 0: not known.
    start_ns: u64,
    last_ns: u64,
    /// Since when all that happened in it is known.
    known_ns: u64,
    /// What a gauge or a sum stands at, or what was counted since the start.
    level: Option<Amount>,
    /// Its writer said that it has ended.
    has_ended: bool,
    stretches: VecDeque<Stretch>,
}

/// A point of a series.
pub(crate) struct Sample {
    pub(crate) start_ns: u64,
    pub(crate) time_ns: u64,
    /// With the bounds of its buckets. `None`: the series has ended.
    pub(crate) amount: Option<(Amount, Vec<f64>)>,
}

impl Series {
    /// One without points. All is known that a writer counts which starts after `known_ns`.
    pub(crate) const fn new(kind: Kind, known_ns: u64) -> Self {
        let stretches = VecDeque::new();
        Self {
            kind,
            bounds: Vec::new(),
            start_ns: 0,
            last_ns: 0,
            known_ns,
            level: None,
            has_ended: false,
            stretches,
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    pub(crate) const fn last_ns(&self) -> u64 {
        self.last_ns
    }

    pub(crate) const fn known_ns(&self) -> u64 {
        self.known_ns
    }

    pub(crate) fn level(&self) -> Option<f64> {
        self.level.as_ref().filter(|_| !self.has_ended).map(|level| level.count)
    }

    pub(crate) fn stretches(&self) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter()
    }

    /// Whether values are read of it, and not what happened.
    pub(crate) const fn has_level(&self) -> bool {
        match self.kind {
            Kind::Gauge => true,
            Kind::Sum { temporality, is_monotonic } => {
                !is_monotonic && matches!(temporality, Temporality::Cumulative)
            }
            Kind::Histogram(_) | Kind::Other => false,
        }
    }

    /// Takes a point. `absent_ns`: its writer reported then, and had no such series.
    pub(crate) fn take(&mut self, sample: Sample, absent_ns: Option<u64>) -> Fate {
        let Sample { start_ns, time_ns, amount } = sample;
        if time_ns <= self.last_ns {
            return if time_ns == self.last_ns { Fate::Repeated } else { Fate::Late };
        }
        let Some((amount, bounds)) = amount else {
            self.last_ns = time_ns;
            self.has_ended = true;
            return Fate::NoValue;
        };
        match self.kind {
            Kind::Gauge => self.level = Some(amount),
            Kind::Sum { temporality: Temporality::Delta, .. } | Kind::Histogram(Temporality::Delta) => {
                self.rebound(bounds, time_ns);
                // Without a start it counts since the point before.
                let start = if start_ns == 0 { self.last_ns } else { start_ns };
                self.push(if start == 0 { time_ns } else { start }, time_ns, amount);
            }
            Kind::Sum { .. } | Kind::Histogram(_) => {
                if start_ns != 0 && start_ns < self.start_ns {
                    return Fate::OtherWriter;
                }
                self.count_up(start_ns, time_ns, amount, bounds, absent_ns);
            }
            Kind::Other => return Fate::Unsupported,
        }
        (self.last_ns, self.has_ended) = (time_ns, false);
        let oldest = time_ns.saturating_sub(ns(KEPT));
        while self.stretches.front().is_some_and(|stretch| stretch.end_ns <= oldest) {
            self.stretches.pop_front();
        }
        Fate::Taken
    }

    /// Takes what was counted since the start.
    fn count_up(
        &mut self,
        start_ns: u64,
        time_ns: u64,
        amount: Amount,
        bounds: Vec<f64>,
        absent_ns: Option<u64>,
    ) {
        let grows = !matches!(self.kind, Kind::Sum { is_monotonic: false, .. });
        match self.level.take() {
            Some(level) => {
                let is_new = start_ns > self.start_ns && self.start_ns != 0;
                let is_new = is_new || (grows && amount.is_below(&level));
                if is_new {
                    let from = start_ns.max(self.last_ns).min(time_ns);
                    self.rebound(bounds, from);
                    self.push(from, time_ns, amount.clone());
                } else if bounds == self.bounds {
                    self.push(self.last_ns, time_ns, amount.since(&level));
                } else {
                    self.rebound(bounds, time_ns);
                    self.known_ns = time_ns;
                }
            }
            None => {
                self.rebound(bounds, time_ns);
                // What was counted before anyone looked, and when, is not known.
                let seen = absent_ns.filter(|absent| *absent >= start_ns);
                let from = seen.or((start_ns >= self.known_ns && start_ns > 0).then_some(start_ns));
                match from.filter(|from| *from <= time_ns) {
                    Some(from) => self.push(from, time_ns, amount.clone()),
                    None => self.known_ns = time_ns,
                }
            }
        }
        self.start_ns = start_ns;
        self.level = Some(amount);
    }

    /// Buckets of other bounds cannot be added to those before.
    fn rebound(&mut self, bounds: Vec<f64>, at_ns: u64) {
        if bounds != self.bounds {
            if !self.stretches.is_empty() {
                self.stretches.clear();
                self.known_ns = at_ns;
            }
            self.bounds = bounds;
        }
    }

    fn push(&mut self, start_ns: u64, end_ns: u64, amount: Amount) {
        let start_ns = start_ns.min(end_ns);
        if let Some(last) = self.stretches.back_mut()
            && end_ns.saturating_sub(last.start_ns) <= ns(STRETCH)
        {
            last.start_ns = last.start_ns.min(start_ns);
            last.end_ns = end_ns;
            last.amount.add(&amount);
            return;
        }
        self.stretches.push_back(Stretch { start_ns, end_ns, amount });
    }
}

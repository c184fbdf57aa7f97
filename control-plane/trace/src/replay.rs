//! What would have been decided on recorded traffic, and when.
//!
//! A replay cannot steer: the weights of the trace stay what they were, while the rollout on paper walks through the
//! plan's steps as the evidence allows. So a rollback means that the evidence sufficed at that moment; a promotion means
//! that the verdict stayed healthy for all the times that the plan asks for; everything else is a hold.
//!
//! Time is the trace's. A second is judged when a live fleet, which reports once a second, would have reported it: two
//! seconds after it began, three when requests of it are open. Coarser data is recognised by the distances between its
//! lines: an interval counts as a whole, at its end, and is judged a second later. Work per line is bounded, and a gap of
//! any length costs as much as one of [`GAP_TICKS`] intervals. A recording tells how the rollout stood when it began, when
//! each report was merged and what people did, and is replayed at these times (`recorded`).

mod outcome;
mod peer;
mod recorded;
mod serin;

use std::collections::BTreeSet;

use serin_analysis::ConfigError;
use serin_analysis::judge::NamedJudge;
use serin_rollout::outside::Told;
use serin_rollout::{Plan, UnixMillis};

use crate::act::Act;
use crate::line::{Line, LineError, Rule};
use crate::logged::Logged;
use crate::record::Record;
use crate::seconds::{LATE_S, Second, Seconds};
use crate::start::Piece;
use crate::stream::Streamed;
use peer::Peer;
use recorded::Recorded;
use serin::Serin;

pub use outcome::{Decided, Decision, Entry, Level, Needed, Reason};

/// Intervals that are looked at before the first is judged, to learn how long they are and which components there are.
const AHEAD: usize = 30;
/// Intervals of a gap that are judged; the rest is passed over, because nothing happens in it.
const GAP_TICKS: u64 = 300;
/// Canary weight that a judge is told when neither trace nor plan has one.
const WHOLE_PPM: u32 = 1_000_000;

/// Why a replay cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// A line cannot be taken.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The engine refuses what plan and trace ask for together.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A replay under way: lines in, timeline out, and the decision at the end.
#[derive(Debug)]
pub struct Replay {
    seconds: Seconds,
    stage: Stage,
    with_signals: bool,
    /// Whether the trace is a recording; the first line tells.
    is_recorded: Option<bool>,
    /// Lines of a recording that came too late for a judge that has no use for them.
    late: u64,
}

#[derive(Debug)]
enum Stage {
    Looking { plan: Box<Plan>, judge: Option<NamedJudge>, ahead: Vec<Second> },
    Judging(Box<Run>),
    Recorded(Box<Recorded>),
}

#[derive(Debug)]
struct Run {
    who: Who,
    interval_s: u64,
    /// When the newest interval began.
    last: u64,
    /// The next second at which it is judged.
    next_tick: u64,
}

#[derive(Debug)]
enum Who {
    Serin(Box<Serin>),
    Peer(Peer),
}

impl Replay {
    /// Begins. `judge` stands in for Serin's own judgement. `None`: Serin judges.
    #[must_use]
    pub fn new(plan: Plan, judge: Option<NamedJudge>) -> Self {
        let stage = Stage::Looking { plan: Box::new(plan), judge, ahead: Vec::new() };
        Self { seconds: Seconds::default(), stage, with_signals: false, is_recorded: None, late: 0 }
    }

    /// Takes a line of a trace; gives what happened in the time that is complete with it.
    ///
    /// # Errors
    /// When the line cannot be taken.
    pub fn push(&mut self, record: impl Into<Record>) -> Result<Vec<Entry>, ReplayError> {
        let mut entries = Vec::new();
        match record.into() {
            Record::Requests(line) => self.requests(*line, &mut entries)?,
            Record::Start(piece) => self.start(piece, &mut entries)?,
            Record::Act(act) => self.act(act, &mut entries)?,
            Record::Logged(logged) => self.logged(logged, &mut entries)?,
            Record::Outside(told) => self.outside(told, &mut entries)?,
            Record::Stream(streamed) => self.streamed(streamed, &mut entries)?,
        }
        Ok(entries)
    }

    fn requests(&mut self, mut line: Line, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let merged = line.merged.take();
        if *self.is_recorded.get_or_insert(merged.is_some()) != merged.is_some() {
            return Err(broken("merged", Rule::Mixed).into());
        }
        if let Some(merged) = merged {
            if let Some(recorded) = self.recorded() {
                return recorded.take(line, merged, entries);
            }
            if self.seconds.lateness(&line) > LATE_S {
                self.late += 1;
                return Ok(());
            }
        }
        for second in self.seconds.push(line)? {
            self.take(second, entries)?;
        }
        Ok(())
    }

    /// Another judge than Serin sees the requests alone, so it takes no notice of starts, acts and log records.
    fn start(&mut self, piece: Piece, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if *self.is_recorded.get_or_insert(true)
            && let Some(recorded) = self.recorded()
        {
            return recorded.start(piece, entries);
        }
        if self.is_recorded == Some(true) { Ok(()) } else { Err(broken("start", Rule::NotFirst).into()) }
    }

    fn act(&mut self, act: Act, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.is_recorded != Some(true) {
            return Err(broken("act", Rule::NoStart).into());
        }
        self.recorded().map_or(Ok(()), |recorded| recorded.act(act, entries))
    }

    fn logged(&mut self, logged: Logged, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.is_recorded != Some(true) {
            return Err(broken("logged", Rule::NoStart).into());
        }
        self.recorded().map_or(Ok(()), |recorded| recorded.logged(logged, entries))
    }

    fn streamed(&mut self, streamed: Streamed, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.is_recorded != Some(true) {
            return Err(broken("stream", Rule::NoStart).into());
        }
        self.recorded().map_or(Ok(()), |recorded| recorded.streamed(streamed, entries))
    }

    fn outside(&mut self, told: Told, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.is_recorded != Some(true) {
            return Err(broken("outside", Rule::NoStart).into());
        }
        self.recorded().map_or(Ok(()), |recorded| recorded.outside(told, entries))
    }

    /// The trace ended: the rest of what happened, and the decision.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn end(mut self) -> Result<(Vec<Entry>, Decision), ReplayError> {
        let mut entries = Vec::new();
        let nothing = || Decision::nothing("the trace holds no line".to_owned());
        if let Stage::Recorded(recorded) = self.stage {
            let decision = recorded.end(&mut entries)?;
            return Ok((entries, decision.unwrap_or_else(nothing)));
        }
        for second in std::mem::take(&mut self.seconds).end() {
            self.take(second, &mut entries)?;
        }
        self.begin(&mut entries)?;
        let decision = match self.stage {
            Stage::Looking { .. } | Stage::Recorded(_) => nothing(),
            Stage::Judging(run) => run.end(&mut entries)?,
        };
        if self.late > 0
            && let Some(t) = decision.t
        {
            let note = format!("{} lines told of seconds more than {LATE_S} s before: left out", self.late);
            entries.push(Entry::Note { t, note });
        }
        Ok((entries, decision))
    }

    /// Serin's replay of a recording. `None`: another judge is asked, which knows no arrivals.
    fn recorded(&mut self) -> Option<&mut Recorded> {
        if let Stage::Looking { plan, judge: None, .. } = &self.stage {
            self.stage = Stage::Recorded(Box::new(Recorded::new(plan.as_ref().clone())));
        }
        match &mut self.stage {
            Stage::Recorded(recorded) => Some(recorded),
            Stage::Looking { .. } | Stage::Judging(_) => None,
        }
    }

    fn take(&mut self, second: Second, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if second.with_signals > 0 && !std::mem::replace(&mut self.with_signals, true) {
            let note = "the trace carries signals; they are checked, and not judged";
            entries.push(Entry::Note { t: second.t, note: note.to_owned() });
        }
        match &mut self.stage {
            Stage::Looking { ahead, .. } => {
                ahead.push(second);
                if ahead.len() >= AHEAD { self.begin(entries) } else { Ok(()) }
            }
            Stage::Judging(run) => run.take(&second, entries),
            Stage::Recorded(_) => Ok(()),
        }
    }

    /// Begins to judge with what was looked at so far; without any, nothing happens.
    fn begin(&mut self, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let Stage::Looking { plan, judge, ahead } = &mut self.stage else { return Ok(()) };
        let ahead = std::mem::take(ahead);
        let Some(first) = ahead.first().map(|second| second.t) else { return Ok(()) };
        let interval_s = interval_s(&ahead);
        if interval_s > 1 {
            let note =
                format!("the data is {interval_s} s coarse: each interval is judged as a whole, at its end");
            entries.push(Entry::Note { t: first, note });
        }
        let who = match judge {
            Some(judge) => Who::Peer(Peer::new(*judge, plan)),
            None => {
                let names: BTreeSet<&String> =
                    ahead.iter().flat_map(|second| second.components.keys()).collect();
                Who::Serin(Box::new(Serin::begin(
                    plan.as_ref().clone(),
                    &names,
                    UnixMillis(first.saturating_mul(1_000)),
                    entries,
                )?))
            }
        };
        let next_tick = first.saturating_add(interval_s).saturating_add(1);
        let mut run = Box::new(Run { who, interval_s, last: first, next_tick });
        let taken = ahead.iter().try_for_each(|second| run.take(second, entries));
        self.stage = Stage::Judging(run);
        taken
    }
}

impl Run {
    fn take(&mut self, second: &Second, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if !second.t.saturating_sub(self.last).is_multiple_of(self.interval_s) {
            let note = format!(
                "the data is no longer {} s coarse: from here on it counts by the second",
                self.interval_s
            );
            entries.push(Entry::Note { t: second.t, note });
            self.interval_s = 1;
        }
        let known = second.t.saturating_add(self.interval_s);
        self.tick_until(known, entries)?;
        self.last = second.t;
        // A coarse interval counts at its last second: until then nobody could know it.
        let counts_at = known.saturating_sub(1);
        match &mut self.who {
            Who::Serin(serin) => {
                serin.wait_until(counts_at);
                serin.merge(second, counts_at, entries);
            }
            Who::Peer(peer) => peer.observe(second, counts_at, entries),
        }
        Ok(())
    }

    fn tick_until(&mut self, time: u64, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let longest = GAP_TICKS.saturating_mul(self.interval_s);
        let gap_end = self.next_tick.saturating_add(longest);
        while self.next_tick <= time.min(gap_end) {
            self.tick(entries)?;
        }
        if self.next_tick <= time {
            let passed = (time - self.next_tick) / self.interval_s;
            let note = format!("no data for {} s", time.saturating_sub(self.last));
            entries.push(Entry::Note { t: time, note });
            self.next_tick = self.next_tick.saturating_add((passed + 1).saturating_mul(self.interval_s));
        }
        Ok(())
    }

    fn tick(&mut self, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let now = self.next_tick;
        self.next_tick = now.saturating_add(self.interval_s);
        let complete_until = if self.interval_s == 1 { now.saturating_sub(1) } else { now };
        match &mut self.who {
            Who::Serin(serin) => serin.judge_complete(now, complete_until, entries),
            Who::Peer(_) => Ok(()),
        }
    }

    fn end(mut self, entries: &mut Vec<Entry>) -> Result<Decision, ReplayError> {
        // The last interval, and two more reports that settle what is open, a second each: after the end nothing is missing.
        for _ in 0..3 {
            let now = self.next_tick;
            self.tick(entries)?;
            (self.interval_s, self.next_tick) = (1, now.saturating_add(1));
        }
        Ok(match self.who {
            Who::Serin(serin) => serin.decision(),
            Who::Peer(peer) => peer.decision(),
        })
    }
}

fn broken(field: &str, rule: Rule) -> LineError {
    LineError { column: 1, field: field.to_owned(), rule }
}

/// The greatest length of intervals that all these begin at; 1 if it cannot be told.
fn interval_s(ahead: &[Second]) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let times = ahead.iter().zip(ahead.iter().skip(1));
    times.map(|(earlier, later)| later.t.saturating_sub(earlier.t)).fold(0, gcd).clamp(1, 3_600)
}

#[cfg(test)]
mod tests;

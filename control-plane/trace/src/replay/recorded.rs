//! A replay of a recording: every report is merged at the moment at which the live control plane merged it.
//!
//! It goes on from where the live rollout stood when the recording began, and does what people did meanwhile, if the plan is
//! the one of the live rollout. Under another plan, neither would mean the same: a rollout begins with the first report.
//!
//! The live loop judges once a second, and a fifth of a second after the last time when there is news; so does this, in step
//! with the tick that the start tells. So the same seconds close with the same requests still running, and a decision comes
//! at the same time, to a fraction of a second. A gap of any length costs as much as one of [`GAP_TICKS`] seconds.

use std::collections::BTreeSet;

use serin_rollout::{Plan, State, Stored, UnixMillis, outside};

use super::outcome::{Decision, Entry};
use super::serin::Serin;
use super::{GAP_TICKS, ReplayError, broken};
use crate::act::Act;
use crate::line::{Line, Rule};
use crate::logged::Logged;
use crate::merged::Merged;
use crate::start::{Piece, Pieces, Start};
use crate::stream::Streamed;

/// Time between two judgements, in ms, without and with news: those of the live loop.
const TICK_MS: u64 = 1_000;
const SPACING_MS: u64 = 200;
/// What is looked at before it is judged, to learn which components there are: so many ms, and lines at most.
const AHEAD: (u64, usize) = (30_000, 100_000);

/// A recording that is replayed.
#[derive(Debug)]
pub(super) struct Recorded {
    plan: Plan,
    pieces: Pieces,
    /// Whether the start was made under another plan, so that nothing of it means anything here. `None`: it has no start.
    is_other_plan: Option<bool>,
    ahead: Vec<Told>,
    run: Option<Run>,
}

/// What the control plane was told of the traffic.
#[derive(Debug)]
enum Told {
    Requests(Box<(Line, Merged)>),
    Logged(Logged),
    Stream(Streamed),
    Outside(outside::Told),
}

impl Told {
    fn at_ms(&self) -> u64 {
        match self {
            Self::Requests(told) => told.1.at_ms,
            Self::Logged(logged) => logged.at_ms,
            Self::Stream(streamed) => streamed.at_ms,
            Self::Outside(told) => told.at.0,
        }
    }
}

#[derive(Debug)]
struct Run {
    serin: Box<Serin>,
    now_ms: u64,
    next_tick_ms: u64,
    judged_ms: u64,
    has_news: bool,
}

impl Recorded {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, pieces: Pieces::default(), is_other_plan: None, ahead: Vec::new(), run: None }
    }

    /// Takes a piece of how the live rollout stood; goes on from there when it was the last one.
    pub(super) fn start(&mut self, piece: Piece, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.is_other_plan.is_some() || self.run.is_some() || !self.ahead.is_empty() {
            return Err(broken("start", Rule::NotFirst).into());
        }
        let joined = self.pieces.join(piece).map_err(|rule| broken("start.packed", rule))?;
        let Some(start) = joined else { return Ok(()) };
        let (at, t) = (UnixMillis(start.at_ms), start.at_ms / 1_000);
        let mut note = |note: &str| entries.push(Entry::Note { t, note: note.to_owned() });
        let Start { plan, state, evidence, last_tick_ms, .. } = start;
        let is_other = !Plan::parse(&plan).is_ok_and(|plan| plan.says_the_same(&self.plan));
        self.is_other_plan = Some(is_other);
        if is_other {
            note(
                "the plan is not the one of the recorded rollout: one by this plan begins with the first report, and \
                 what people did is left out",
            );
            return Ok(());
        }
        let state: State = serde_json::from_str(&state).map_err(|error| {
            broken("start.packed", Rule::Shape(format!("has a state that cannot be read: {error}")))
        })?;
        let stored = evidence.as_ref().map(|evidence| Stored::read(evidence.as_bytes()));
        match &stored {
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                note("the evidence from before the recording is of another version, and left out")
            }
            None => note("the recording has no evidence from before it began"),
        }
        let serin = Serin::take_up(self.plan.clone(), state, stored.and_then(Result::ok), at)?;
        self.run = Some(Run::new(serin, start.at_ms, last_tick_ms));
        Ok(())
    }

    /// Does what a person did.
    pub(super) fn act(&mut self, act: Act, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        match (&mut self.run, self.is_other_plan) {
            (_, None) => Err(broken("act", Rule::NoStart).into()),
            (Some(run), Some(false)) => run.act(act, entries),
            (_, Some(_)) => Ok(()),
        }
    }

    pub(super) fn take(
        &mut self,
        line: Line,
        merged: Merged,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        self.told(Told::Requests(Box::new((line, merged))), entries)
    }

    /// Takes what log records said of blocks.
    pub(super) fn logged(&mut self, logged: Logged, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        self.told(Told::Logged(logged), entries)
    }

    /// Takes what logs or users told.
    pub(super) fn streamed(
        &mut self,
        streamed: Streamed,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        self.told(Told::Stream(streamed), entries)
    }

    /// Takes what a query or a health check answered.
    pub(super) fn outside(
        &mut self,
        told: outside::Told,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        self.told(Told::Outside(told), entries)
    }

    fn told(&mut self, told: Told, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if let Some(run) = &mut self.run {
            return run.take(&told, entries);
        }
        let first_ms = self.ahead.first().map_or(told.at_ms(), Told::at_ms);
        let is_enough = told.at_ms() >= first_ms.saturating_add(AHEAD.0) || self.ahead.len() >= AHEAD.1;
        self.ahead.push(told);
        if is_enough { self.begin(entries) } else { Ok(()) }
    }

    /// How the rollout on paper stands.
    #[cfg(test)]
    pub(super) fn stands(mut self: Box<Self>, at_ms: u64, plan: &str) -> Start {
        self.begin(&mut Vec::new()).unwrap();
        let mut run = self.run.unwrap();
        run.move_to(at_ms, &mut Vec::new()).unwrap();
        let (state, evidence) = run.serin.stands();
        let (rollout, plan) = ("shop-1".to_owned(), plan.to_owned());
        Start {
            at_ms,
            last_tick_ms: run.next_tick_ms - TICK_MS,
            rollout,
            plan,
            state,
            evidence: Some(evidence),
        }
    }

    pub(super) fn end(mut self, entries: &mut Vec<Entry>) -> Result<Option<Decision>, ReplayError> {
        self.begin(entries)?;
        let Some(mut run) = self.run else { return Ok(None) };
        // Whoever reported last is not waited for longer than this.
        let end_ms = run.now_ms.saturating_add(3 * TICK_MS);
        run.move_to(end_ms, entries)?;
        Ok(Some(run.serin.decision()))
    }

    fn begin(&mut self, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let ahead = std::mem::take(&mut self.ahead);
        let Some(first_ms) = ahead.first().map(Told::at_ms) else { return Ok(()) };
        let names = ahead.iter().filter_map(|told| match told {
            Told::Requests(told) => Some(&told.0.component),
            Told::Logged(_) | Told::Stream(_) | Told::Outside(_) => None,
        });
        let names: BTreeSet<&String> = names.collect();
        let serin = Serin::begin(self.plan.clone(), &names, UnixMillis(first_ms), entries)?;
        let mut run = Run::new(serin, first_ms, first_ms);
        let taken = ahead.iter().try_for_each(|told| run.take(told, entries));
        self.run = Some(run);
        taken
    }
}

impl Run {
    /// At `now_ms`, with ticks in step with the one at `tick_ms`.
    fn new(serin: Serin, now_ms: u64, tick_ms: u64) -> Self {
        let since_tick_ms = now_ms.saturating_sub(tick_ms) % TICK_MS;
        let next_tick_ms = now_ms.saturating_add(TICK_MS - since_tick_ms);
        Self { serin: Box::new(serin), now_ms, next_tick_ms, judged_ms: now_ms, has_news: false }
    }

    fn act(&mut self, act: Act, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if act.at_ms > self.now_ms {
            self.move_to(act.at_ms, entries)?;
        }
        // When the live loop judged is known to a fraction of a second only: what was merged before the act comes first.
        if self.judged_ms < self.now_ms {
            self.judge(self.now_ms, entries)?;
        }
        self.serin.act(act.command, UnixMillis(self.now_ms), entries)
    }

    fn take(&mut self, told: &Told, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if told.at_ms() > self.now_ms {
            self.move_to(told.at_ms(), entries)?;
        }
        match told {
            Told::Requests(told) => {
                let (line, merged) = told.as_ref();
                self.serin.merge_line(line, merged, UnixMillis(self.now_ms), entries);
                self.has_news = true;
            }
            Told::Logged(logged) => self.serin.merge_logged(logged),
            Told::Stream(streamed) => self.serin.merge_stream(&streamed.counts),
            Told::Outside(told) => self.serin.hear(told),
        }
        Ok(())
    }

    /// Judges whatever is due before `to_ms`, and is there then. A clock that went back stands still.
    fn move_to(&mut self, to_ms: u64, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        let gap_end_ms = self.now_ms.saturating_add(GAP_TICKS * TICK_MS);
        loop {
            let news_ms = self.judged_ms.saturating_add(SPACING_MS).max(self.now_ms);
            let due_ms = if self.has_news { news_ms.min(self.next_tick_ms) } else { self.next_tick_ms };
            if due_ms >= to_ms || due_ms > gap_end_ms {
                break;
            }
            self.judge(due_ms, entries)?;
        }
        if to_ms > gap_end_ms {
            let note = format!("no data for {} s", (to_ms - self.now_ms) / 1_000);
            entries.push(Entry::Note { t: to_ms / 1_000, note });
            self.skip_ticks_before(to_ms);
        }
        self.now_ms = to_ms;
        Ok(())
    }

    fn judge(&mut self, at_ms: u64, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        self.has_news = false;
        self.judged_ms = at_ms;
        self.skip_ticks_before(at_ms.saturating_add(1));
        self.serin.judge(UnixMillis(at_ms), entries)
    }

    /// The next tick comes at `at_ms` or later, in step with those before.
    fn skip_ticks_before(&mut self, at_ms: u64) {
        let missed = at_ms.saturating_sub(self.next_tick_ms).div_ceil(TICK_MS);
        self.next_tick_ms = self.next_tick_ms.saturating_add(missed.saturating_mul(TICK_MS));
    }
}

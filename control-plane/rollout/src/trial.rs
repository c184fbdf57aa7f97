//! A rollout on paper: the server's loop over state and evidence, with nothing to persist and nobody to tell.
//!
//! Replays and simulations drive one of these. Merge what was measured into [`Trial::evaluation`], then call
//! [`Trial::judge`] once a second. It never asks what time it is, and it steers nothing: whoever owns the traffic
//! reads the weight from [`Trial::state`].

use serin_analysis::ConfigError;

use crate::{
    AUTOMATIC, Command, Creation, Evaluation, Event, HookEnd, HookOutcome, Input, Judgement, Order, Plan,
    State, Stored, UnixMillis, create, step,
};

/// State and evidence of one rollout.
#[derive(Clone, Debug)]
pub struct Trial {
    plan: Plan,
    state: State,
    evaluation: Evaluation,
    judgement: Judgement,
}

impl Trial {
    /// Creates the rollout at `now`.
    ///
    /// # Errors
    /// When the engine refuses what the plan asks for.
    pub fn begin(plan: Plan, creation: Creation, now: UnixMillis) -> Result<Self, ConfigError> {
        Self::with_components(plan, &[], creation, now)
    }

    /// As [`Self::begin`], judging components that the plan does not name too, each at weight 1. A rollback of one
    /// undoes the whole version, because the filters could not return it alone.
    ///
    /// # Errors
    /// As [`Self::begin`], and when a name is given twice or is in the plan.
    pub fn with_components(
        plan: Plan,
        unplanned: &[String],
        creation: Creation,
        now: UnixMillis,
    ) -> Result<Self, ConfigError> {
        let state = create(&plan, creation, now).state;
        let evaluation = Evaluation::with_components(&plan, &state, unplanned)?;
        let mut trial = Self { plan, state, evaluation, judgement: Judgement::default() };
        trial.perform_hooks(now)?;
        Ok(trial)
    }

    /// Takes up a rollout that ran elsewhere, as it stood there and with the evidence that was gathered there.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn take_up(plan: Plan, state: State, stored: Option<Stored>) -> Result<Self, ConfigError> {
        let plan = plan.with_taken(&state.taken);
        let evaluation = Evaluation::restore(&plan, &state, stored)?;
        Ok(Self { plan, state, evaluation, judgement: Judgement::default() })
    }

    /// Judges, steps, and takes over what was decided. Gives the events that followed, in order.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn judge(&mut self, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        self.judgement = self.evaluation.judge(now);
        self.follow(&Input::Assessed(Box::new(self.judgement.clone())), now)
    }

    /// Goes on from a pause, as when a person asks for it.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn resume(&mut self, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        self.obey(Command { order: Order::Resume, actor: AUTOMATIC.to_owned(), reason: String::new() }, now)
    }

    /// Does what a person asks for; what is refused changes nothing.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn obey(&mut self, command: Command, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        let seen = Some(Box::new(self.judgement.clone()));
        self.follow(&Input::Commanded { command, seen }, now)
    }

    /// Steps, and takes over what was decided.
    fn follow(&mut self, input: &Input, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        let mut all = self.take(input, now)?;
        all.extend(self.perform_hooks(now)?);
        Ok(all)
    }

    /// On paper there is nobody to ask: hooks do what they should.
    fn perform_hooks(&mut self, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        let mut all = Vec::new();
        loop {
            let Some(run) = self.state.running_hooks().next().cloned() else { return Ok(all) };
            let outcome = HookOutcome::Succeeded;
            let end = HookEnd { run, outcome, attempts: 1, output: "on paper".to_owned() };
            all.extend(self.take(&Input::HookEnded(end), now)?);
        }
    }

    fn take(&mut self, input: &Input, now: UnixMillis) -> Result<Vec<Event>, ConfigError> {
        let Ok(transition) = step(&self.plan, &self.state, input, now) else { return Ok(Vec::new()) };
        let events = transition.events().to_vec();
        self.state = transition.state;
        self.evaluation.decided(&self.plan, &self.state, &events)?;
        Ok(events)
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where the rollout stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What the evidence said last.
    #[must_use]
    pub const fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The evidence, for adding to it.
    pub const fn evaluation(&mut self) -> &mut Evaluation {
        &mut self.evaluation
    }
}

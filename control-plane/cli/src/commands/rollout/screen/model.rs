//! What the live screen knows, what may happen to it, and what it asks for. Plain data, and bounded: it holds the last
//! snapshot, two minutes of values for each component, and one dialog.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::dialog::Dialog;
use crate::model::{Arm, Component, Experiment, Known, Phase, Rollout};

/// Values that are kept of one component; the oldest goes first.
pub(super) const SAMPLES: usize = 120;
/// Components whose values are kept; of more, none are.
const SAMPLED_COMPONENTS: usize = 1_000;
/// The server speaks at least once a second. After this silence what is shown counts as old.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(4);
/// How long the screen of a rollout that ended stays, unless a key is pressed.
pub(super) const LINGER: Duration = Duration::from_secs(10);
/// How long the answer to an act is shown.
pub(super) const SAID_FOR: Duration = Duration::from_secs(12);

/// The state of the screen.
#[derive(Debug)]
pub(super) struct Model {
    /// What was asked for: an identifier or the name of a service.
    pub(super) asked: String,
    pub(super) server: String,
    pub(super) colour: bool,
    /// When the screen was opened.
    pub(super) since: SystemTime,
    /// The last snapshot. `None`: none came yet.
    pub(super) rollout: Option<Box<Rollout>>,
    /// When it came.
    pub(super) heard: Option<SystemTime>,
    /// When the end was first seen.
    pub(super) ended: Option<SystemTime>,
    /// A key was pressed since: the screen stays until it is left.
    pub(super) stays: bool,
    /// Who needs whom. `None`: not known yet.
    pub(super) known: Option<Known>,
    pub(super) history: BTreeMap<String, History>,
    /// Which value of the canary the sparklines show.
    pub(super) shown: Shown,
    /// The chosen row, from 0; beyond the last one it counts as the last.
    pub(super) selected: usize,
    /// The reasons of the chosen row are shown.
    pub(super) is_open: bool,
    /// First line of the reasons that is shown.
    pub(super) scroll: usize,
    pub(super) dialog: Option<Dialog>,
    /// What was asked of the server and is not answered yet.
    pub(super) acting: Option<&'static str>,
    pub(super) said: Option<Said>,
}

/// A sentence below the table.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) is_error: bool,
    pub(super) at: SystemTime,
}

/// The last values of a component's canary.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
}

/// What the canary of a component did in the 60 seconds before a snapshot.
#[derive(Clone, Copy, Debug)]
struct Sample {
    errors_ppm: Option<u64>,
    latency_p99_us: Option<u64>,
}

/// A value that sparklines show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    Errors,
    Latency,
}

/// A key, as far as the screen knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Tab,
    Backspace,
    /// Control and C.
    Interrupt,
    Character(char),
}

/// What may happen.
#[derive(Debug)]
pub(super) enum Message {
    Snapshot(Box<Rollout>),
    Components(Known),
    Acted(Result<Box<Rollout>, String>),
    Key(Key),
    /// Time passed, or the terminal has another size.
    Tick,
}

/// What the screen asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// Close it.
    Leave,
    /// Ask which component needs which.
    AskComponents,
    Act(Act),
}

/// What a person decided, of the rollout of this identifier.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Act {
    pub(super) id: String,
    pub(super) order: Order,
    pub(super) reason: String,
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Order {
    Pause,
    Resume,
    Promote,
    SetWeight {
        ppm: u32,
    },
    /// Both empty: the whole version, or the experiment.
    RollBack {
        component: String,
        arm: String,
    },
}

impl Model {
    pub(super) fn new(asked: String, server: String, colour: bool, now: SystemTime) -> Self {
        Self {
            asked,
            server,
            colour,
            since: now,
            rollout: None,
            heard: None,
            ended: None,
            stays: false,
            known: None,
            history: BTreeMap::new(),
            shown: Shown::Errors,
            selected: 0,
            is_open: false,
            scroll: 0,
            dialog: None,
            acting: None,
            said: None,
        }
    }

    /// Names of the rows: the components, or the arms of an experiment.
    pub(super) fn rows(&self) -> Vec<&str> {
        let Some(rollout) = &self.rollout else { return Vec::new() };
        match &rollout.experiment {
            Some(Experiment { arms, .. }) => arms.iter().map(|arm| arm.name.as_str()).collect(),
            None => rollout.components.iter().map(|component| component.name.as_str()).collect(),
        }
    }

    /// The place of the chosen row. `None`: there are none.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.rows().len().checked_sub(1).map(|last| self.selected.min(last))
    }

    /// The name of the chosen row.
    pub(super) fn chosen_name(&self) -> Option<String> {
        self.rows().get(self.chosen()?).map(|name| (*name).to_owned())
    }

    /// How old the last snapshot is. `None`: what is shown is fresh, or final.
    pub(super) fn stale(&self, now: SystemTime) -> Option<Duration> {
        let is_final = self.rollout.as_ref().is_some_and(|rollout| rollout.phase.is_terminal());
        let age = now.duration_since(self.heard?).unwrap_or_default();
        (!is_final && age >= STALE_AFTER).then_some(age)
    }

    /// Takes a snapshot over.
    pub(super) fn take(&mut self, rollout: Box<Rollout>, now: SystemTime) {
        let is_new_second =
            self.heard.is_none_or(|heard| now.duration_since(heard).unwrap_or_default().as_millis() >= 500);
        if is_new_second {
            self.sample(&rollout.components);
        }
        if rollout.phase.is_terminal() {
            self.ended = self.ended.or(Some(now));
        } else {
            self.ended = None;
        }
        self.heard = Some(now);
        self.rollout = Some(rollout);
    }

    fn sample(&mut self, components: &[Component]) {
        self.history.retain(|name, _| components.iter().any(|component| component.name == *name));
        for component in components.iter().take(SAMPLED_COMPONENTS) {
            self.history.entry(component.name.clone()).or_default().add(canary(&component.arms));
        }
    }
}

impl History {
    fn add(&mut self, canary: Option<&Arm>) {
        if self.samples.len() >= SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            errors_ppm: canary.and_then(errors_ppm),
            latency_p99_us: canary.and_then(|arm| arm.latency_p99_us),
        });
    }

    /// The last `count` values, oldest first.
    pub(super) fn last(&self, count: usize, shown: Shown) -> impl Iterator<Item = Option<u64>> {
        let skipped = self.samples.len().saturating_sub(count);
        self.samples.iter().skip(skipped).map(move |sample| match shown {
            Shown::Errors => sample.errors_ppm,
            Shown::Latency => sample.latency_p99_us,
        })
    }
}

/// The share of requests that failed, in parts per million. `None`: there was no request.
pub(super) fn errors_ppm(arm: &Arm) -> Option<u64> {
    arm.errors.saturating_mul(1_000_000).checked_div(arm.requests)
}

/// The arm that is on trial.
pub(super) fn canary(arms: &[Arm]) -> Option<&Arm> {
    arms.iter().find(|arm| arm.arm == "canary")
}

/// The arm that it is compared with.
pub(super) fn baseline(arms: &[Arm]) -> Option<&Arm> {
    arms.iter().find(|arm| arm.arm == "baseline")
}

impl Order {
    /// The word for it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::SetWeight { .. } => "set weight",
            Self::RollBack { .. } => "roll back",
        }
    }
}

/// Whether automatic decisions or people can still change something.
pub(super) const fn is_under_way(phase: Phase) -> bool {
    matches!(phase, Phase::WarmingUp | Phase::Progressing | Phase::Paused | Phase::Completing)
}

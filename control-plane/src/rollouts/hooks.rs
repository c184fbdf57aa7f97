//! Hooks of the rollouts: what is due is begun, and how it ended is decided upon.

use std::time::Instant;

use serin_rollout::{Input, pending, step};

use super::perform::Decision;
use super::task::Task;
use crate::clock;
use crate::hooks::Ended;

impl Task {
    /// Tells time to rollouts that are over and whose hooks are not, and begins what nobody performs.
    pub(super) async fn go_on_with_hooks(&mut self) {
        for index in 0..self.tracked.len() {
            let waits = self.tracked.get(index).filter(|one| !one.runs() && pending(&one.plan, &one.state));
            let Some(tracked) = waits else { continue };
            let (now, decided) = (clock::now(), Instant::now());
            let Ok(transition) = step(&tracked.plan, &tracked.state, &Input::Tick, now) else { continue };
            if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
                tracing::error!(%error, "hooks of a rollout that is over wait for the next tick");
            }
        }
        self.perform_hooks();
    }

    /// Begins what nobody performs.
    pub(super) fn perform_hooks(&mut self) {
        let Self { hooks, tracked, .. } = self;
        for tracked in tracked.iter() {
            hooks.perform(&tracked.plan, &tracked.state);
        }
    }

    /// Takes over how a run ended. What cannot be written is performed again.
    pub(super) async fn hook_ended(&mut self, ended: Ended) {
        self.hooks.forget(&ended);
        let Ended { rollout, end } = ended;
        let Some(index) = self.tracked.iter().position(|tracked| tracked.state.id.0 == rollout) else {
            return;
        };
        let Some(tracked) = self.tracked.get(index) else { return };
        let (now, decided) = (clock::now(), Instant::now());
        let input = Input::HookEnded(end);
        let Ok(transition) = step(&tracked.plan, &tracked.state, &input, now) else { return };
        if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
            tracing::error!(%error, "how a hook ended could not be written: it is performed again");
        }
    }
}

//! `serin rollback --all`.

use serde::Serialize;

use crate::arguments::Rollback;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::model::Returned;
use crate::output::{Output, Sheet};

/// The JSON form.
#[derive(Serialize)]
struct Answer {
    rollouts: Vec<Returned>,
}

/// Shows what became of each rollout, and fails when one could not be returned.
pub(super) async fn run(client: &Client, request: Rollback, output: Output) -> Result<(), Failure> {
    let Rollback { owner, matches, reason, .. } = request;
    let answer = Answer { rollouts: client.rollback_all(owner, matches, reason.reason).await? };
    output.show(&answer, || sheet(&answer.rollouts))?;
    let failed = answer.rollouts.iter().filter(|one| one.outcome == "failed").count();
    if failed == 0 {
        return Ok(());
    }
    let message = format!("{failed} of {} rollouts could not be returned", answer.rollouts.len());
    Err(Failure::new(Kind::Refused, message)
        .advise("ask again; if that does not help, pull the break-glass of Envoy: docs/emergency.md"))
}

fn sheet(rollouts: &[Returned]) -> Sheet {
    if rollouts.is_empty() {
        return Sheet::of("There is no rollout: all users are on the baseline.");
    }
    let mut sheet = Sheet::default();
    let row = |one: &Returned| {
        let generation = one.generation.to_string();
        [one.service.clone(), one.rollout_id.clone(), one.outcome.to_owned(), generation, one.text.clone()]
    };
    sheet.table(["SERVICE", "ROLLOUT", "OUTCOME", "GENERATION", "WHAT HAPPENED"], rollouts.iter().map(row));
    sheet
}

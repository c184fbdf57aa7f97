//! `serin decision`.

use serde::Serialize;

use crate::arguments::{Decision as Asked, MarkDecision};
use crate::client::Client;
use crate::failure::Failure;
use crate::model::{Decision, Moment};
use crate::output::{Output, Sheet};

/// The JSON form of `list`.
#[derive(Serialize)]
struct Answer {
    decisions: Vec<Decision>,
}

pub(super) async fn run(client: &Client, asked: Asked, output: Output) -> Result<(), Failure> {
    match asked {
        Asked::List { service, limit, before } => {
            let of = service.clone().unwrap_or_default();
            let answer = Answer { decisions: client.decisions(of, before.unwrap_or_default(), limit).await? };
            output.show(&answer, || sheet(&answer.decisions, service.as_deref()))?;
            let is_full = answer.decisions.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
            if let Some(last) = answer.decisions.last().filter(|_| is_full) {
                output
                    .note(&format!("There may be more decisions: continue with --before {}.", last.sequence));
            }
            Ok(())
        }
        Asked::Mark(MarkDecision { id, false_alarm, reason, .. }) => {
            let said = if false_alarm { "a false alarm" } else { "right" };
            let text = format!("{id} is marked: it was {said}.");
            let decision = client.mark_decision(id, false_alarm, reason.reason).await?;
            output.show(&decision, || Sheet::of(&text))
        }
    }
}

fn sheet(decisions: &[Decision], service: Option<&str>) -> Sheet {
    if decisions.is_empty() {
        return Sheet::of(&match service {
            Some(service) => format!("Nothing was decided about {service} yet."),
            None => "Nothing was decided yet.".to_owned(),
        });
    }
    let mut sheet = Sheet::default();
    let header = ["ID", "TIME", "SERVICE", "WHAT", "ACTOR", "FOUND AFTER", "APPLIED", "MARK", "WHY"];
    sheet.table(header, decisions.iter().map(row));
    sheet
}

fn row(decision: &Decision) -> [String; 9] {
    let what = match decision.names.as_slice() {
        [] => decision.kind.clone(),
        names => format!("{} {}", decision.kind, names.join(", ")),
    };
    let found = decision.at.as_ref().zip(decision.onset_at.as_ref());
    [
        decision.id.clone(),
        decision.at.as_ref().map_or_else(String::new, Moment::to_seconds),
        decision.service.clone(),
        what,
        decision.actor.clone(),
        found.map_or_else(String::new, |(at, onset)| format!("{} s", at.after(onset).as_secs())),
        decision.applied_ms.map_or_else(String::new, |ms| format!("{ms} ms")),
        decision.mark.map_or_else(String::new, |mark| mark.replace('_', " ")),
        decision.text.clone(),
    ]
}

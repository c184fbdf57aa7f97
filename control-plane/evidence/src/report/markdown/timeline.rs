//! What happened when.

use std::fmt::Write as _;

use super::super::facts::Facts;
use super::super::words::{lasting, plain, utc};

/// Rows of the table; of more the oldest are left out.
const ROWS_MAX: usize = 60;

pub(super) fn table(facts: &Facts) -> String {
    let mut rows: Vec<(u64, String, String)> = facts
        .journal
        .iter()
        .map(|event| {
            (event.at.0, plain(&event.actor), format!("{} ({})", plain(&event.text), plain(&event.kind)))
        })
        .collect();
    if let Some(onset) = facts.decision.onset_second {
        let words = "First second of the evidence that led to the decision".to_owned();
        rows.push((onset * 1_000, String::new(), format!("**{words}**")));
    }
    if let Some(told) = &facts.acknowledgements {
        let at = facts.main.at.0.saturating_add(told.after_ms);
        let after = lasting(told.after_ms);
        let words = format!("{} of {} VMs apply the decision, {after} after it", told.vms_applied, told.vms);
        rows.push((at, String::new(), words));
    }
    rows.sort_by_key(|row| row.0);
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    let mut text = "## Timeline\n\n| time | who | what |\n|---|---|---|\n".to_owned();
    if left_out > 0 {
        let _written = writeln!(text, "| | | {left_out} earlier events are left out |");
    }
    for (at, who, what) in rows.into_iter().skip(left_out) {
        let _written = writeln!(text, "| {} | {who} | {what} |", utc(at / 1_000));
    }
    text
}

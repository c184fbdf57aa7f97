//! The status page: one table of rollouts, one of the components of each that is current. No script; the browser
//! loads it again every two seconds. Every text is escaped.

mod experiment;
mod outside;

use std::fmt::{self, Display, Write};
use std::sync::Arc;

use serin_rollout::UnixMillis;

use crate::fleet::nodes::Spread;
use crate::snapshot::{Arm, Component, Snapshot};
use crate::words;

const STYLE: &str = include_str!("page.css");

pub(super) fn render(rollouts: &[Arc<Snapshot>], generation: u64, spread: Spread, now: UnixMillis) -> String {
    let mut page = String::new();
    let _writing_to_a_string_cannot_fail = write(&mut page, rollouts, generation, spread, now);
    page
}

fn write(
    page: &mut String,
    rollouts: &[Arc<Snapshot>],
    generation: u64,
    spread: Spread,
    now: UnixMillis,
) -> fmt::Result {
    let Spread { known, applied, connected, acknowledged } = spread;
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Serin</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"2\">\
         <style>{STYLE}</style></head><body><h1>Serin</h1>\
         <p>Assignment {generation}: acknowledged by {acknowledged} of {connected} connected Envoys, \
         applied by {applied} of {known} living VMs.</p>"
    )?;
    if rollouts.is_empty() {
        page.push_str(
            "<p>No rollout yet. Create one with <code>serin rollout create -f plan.yaml</code>.</p>",
        );
    }
    for rollout in rollouts {
        section(page, rollout, now)?;
    }
    page.push_str("</body></html>\n");
    Ok(())
}

fn section(page: &mut String, rollout: &Snapshot, now: UnixMillis) -> fmt::Result {
    let phase = words::phase(rollout.phase);
    let age = now.since(rollout.changed_at).as_secs();
    write!(
        page,
        "<section class=\"{phase}\"><h2>{} <small>{}</small> <b>{}</b></h2><p>{}.</p>\
         <p class=\"facts\">{} · {} · changed {age} s ago",
        Text(&rollout.service),
        Text(&versions(rollout)),
        if rollout.experiment.is_some() { experiment::phase(rollout) } else { phase.replace('_', " ") },
        Text(&rollout.summary),
        Text(&rollout.id),
        progress(rollout),
    )?;
    if rollout.current {
        write!(page, " · applied by {} of {} VMs</p>", rollout.vms_applied, rollout.vms_known)?;
        match &rollout.experiment {
            Some(experiment) => experiment::results(page, experiment)?,
            None => {
                components(page, &rollout.components)?;
                outside::readings(page, &rollout.outside)?;
            }
        }
    } else {
        page.push_str("</p>");
    }
    page.push_str("</section>");
    Ok(())
}

fn versions(rollout: &Snapshot) -> String {
    let tried =
        rollout.experiment.as_ref().map_or_else(|| rollout.canary_version.clone(), experiment::versions);
    format!("{} → {tried}", rollout.baseline_version)
}

fn progress(rollout: &Snapshot) -> String {
    if rollout.experiment.is_some() {
        return format!("arms {}", Percent(rollout.weight_ppm));
    }
    let step = (rollout.step + 1).min(rollout.steps);
    let (weight, verdict) = (Percent(rollout.weight_ppm), words::verdict(rollout.verdict));
    format!("canary {weight} · step {step} of {} · {verdict}", rollout.steps)
}

fn components(page: &mut String, components: &[Component]) -> fmt::Result {
    page.push_str(
        "<table><thead><tr><th>Component</th><th>State</th><th>Baseline: requests, errors, p99</th>\
         <th>Canary: requests, errors, p99</th><th>Why</th></tr></thead><tbody>",
    );
    for component in components {
        let state = if component.rolled_back { "rolled_back" } else { words::verdict(component.verdict) };
        let (name, shown, why) = (Text(&component.name), state.replace('_', " "), why(component));
        write!(page, "<tr class=\"{state}\"><td>{name}</td><td>{shown}</td>")?;
        cell(page, component.arms.first())?;
        cell(page, component.arms.get(1))?;
        write!(page, "<td>{}</td></tr>", Text(&why))?;
    }
    page.push_str("</tbody></table>");
    Ok(())
}

/// Why a component is where it is: why it was rolled back, else what the evidence says.
fn why(component: &Component) -> String {
    if let Some(because) = &component.rolled_back_because {
        return because.clone();
    }
    if !component.arms.is_empty() && component.arms.iter().all(|arm| arm.summary.requests == 0) {
        return "no requests in the last minute".to_owned();
    }
    component.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ")
}

fn cell(page: &mut String, arm: Option<&Arm>) -> fmt::Result {
    let Some(Arm { summary, .. }) = arm else { return page.write_str("<td>–</td>") };
    write!(page, "<td class=\"figures\">{}, {}", summary.requests, summary.errors)?;
    match summary.p99_us {
        Some(us) => write!(page, ", {:.1} ms</td>", us as f64 / 1_000.0),
        None => page.write_str("</td>"),
    }
}

struct Percent(u32);

impl Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} %", f64::from(self.0) / 10_000.0)
    }
}

/// Text that stays text within HTML.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn markup_in_a_text_stays_text() {
        let text = Text("<script>alert(\"a\" & 'b')</script>").to_string();
        assert_eq!(text, "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;");
    }
}

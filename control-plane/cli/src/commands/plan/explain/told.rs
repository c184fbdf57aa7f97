//! What logs, users and earlier rollouts have a say in, in words and as JSON.

use std::time::Duration;

use serde::Serialize;
use serin_rollout::Plan;
use serin_rollout::plan::PlannedImpact;

use super::milliseconds;
use crate::output::{Sheet, duration, percent};

/// Absent parts are not looked at.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviour: Option<Behaviour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Logs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learned: Option<Learned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<Prediction>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    impact: Vec<Impact>,
}

#[derive(Debug, Serialize)]
struct Impact {
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    share_ppm: u32,
}

#[derive(Debug, Serialize)]
struct Behaviour {
    #[serde(rename = "novelty_ms", serialize_with = "milliseconds")]
    novelty: Duration,
    conversion_ppm: u32,
    load_ppm: u32,
    weight_ppm: u32,
}

#[derive(Debug, Serialize)]
struct Logs {
    weight_ppm: u32,
}

#[derive(Debug, Serialize)]
struct Learned {
    version: String,
}

#[derive(Debug, Serialize)]
struct Prediction {
    rollback_ppm: u32,
    model: String,
}

impl Shown {
    pub(super) fn of(plan: &Plan) -> Self {
        let behaviour = plan.behaviour().map(|behaviour| Behaviour {
            novelty: behaviour.novelty,
            conversion_ppm: behaviour.conversion.ppm(),
            load_ppm: behaviour.load.ppm(),
            weight_ppm: behaviour.weight.ppm(),
        });
        let prediction = plan.prediction().map(|prediction| Prediction {
            rollback_ppm: prediction.rollback.ppm(),
            model: prediction.model.clone(),
        });
        Self {
            behaviour,
            logs: plan.logs().map(|logs| Logs { weight_ppm: logs.weight.ppm() }),
            learned: plan.learned().map(|learned| Learned { version: learned.version.clone() }),
            prediction,
            impact: plan.impact().rules().iter().map(Impact::of).collect(),
        }
    }

    pub(super) fn sheet(&self, sheet: &mut Sheet) {
        if self.behaviour.is_some() || self.logs.is_some() {
            sheet.blank();
            sheet.line("Beside requests, the version is undone by what is sure of");
        }
        if let Some(Behaviour { novelty, conversion_ppm, load_ppm, .. }) = self.behaviour {
            sheet.line(&format!(
                "  users: more script errors, rage clicks or pages left, {} fewer conversions, or load times {} longer",
                percent(conversion_ppm),
                percent(load_ppm)
            ));
            sheet.line(&format!("  (not in the first {}, in which what is new counts)", duration(novelty)));
        }
        if self.logs.is_some() {
            sheet.line("  logs: lines that read like a failure and come more often from the canary");
        }
        if let Some(Learned { version }) = &self.learned {
            let version = if version.is_empty() { "no version" } else { version };
            sheet.line(&format!(
                "It begins with the margins and parts that earlier rollouts taught ({version})."
            ));
        }
        if let Some(Prediction { rollback_ppm, .. }) = self.prediction {
            sheet.line(&format!(
                "It is rolled back with a probability of {}, as was predicted: so it begins smaller and bakes longer.",
                percent(rollback_ppm)
            ));
        }
        if !self.impact.is_empty() {
            sheet.blank();
            sheet.line("In the risk a harm counts by the first of these that fits, beside its component's weight; else in full");
        }
        self.impact.iter().for_each(|rule| sheet.line(&format!("  {}", rule.words())));
    }
}

impl Impact {
    fn of(rule: &PlannedImpact) -> Self {
        let PlannedImpact { component, cohort, window, share } = rule;
        Self {
            component: component.clone(),
            cohort: cohort.map(|cohort| cohort.to_string()),
            window: window.clone(),
            share_ppm: share.ppm(),
        }
    }

    fn words(&self) -> String {
        let Self { component, cohort, window, share_ppm } = self;
        let named = [("component", component), ("page views of", cohort), ("during", window)];
        let named = named.into_iter().filter_map(|(word, name)| Some(format!("{word} {}", name.as_ref()?)));
        format!("{}: {}", named.collect::<Vec<_>>().join(", "), percent(*share_ppm))
    }
}

//! Finished rollouts for tests.

use serin_analysis::increment::ByArm;
use serin_analysis::risk::BySource;
use serin_analysis::streams::Kind;

use crate::outcome::{Decided, Label, Outcome, Said, Seen, Teller, Truth};

/// Page views or requests of both arms.
const EXPOSURES: ByArm<u64> = ByArm { baseline: 84_000, canary: 36_000 };
/// Shares of the baseline.
const USUAL: [(Kind, f64); 6] = [
    (Kind::LogTemplate, 0.0),
    (Kind::ScriptError, 0.01),
    (Kind::RageClick, 0.01),
    (Kind::Abandonment, 0.05),
    (Kind::SlowLoad, 0.1),
    (Kind::Conversion, 0.2),
];

/// A day's number as a time.
pub(crate) fn day(number: u64) -> u64 {
    1_767_225_600 + number * 86_400
}

/// Rollout `number` of a year with one a day, of which the canary has `share` events of `kind`.
pub(crate) fn outcome(number: u64, decided: Decided, kind: Kind, share: f64) -> Outcome {
    let seen = |(own, usual): (Kind, f64)| Seen {
        kind: own,
        share: if own == Kind::LogTemplate { 0.6 } else { 0.1 },
        log_evidence: if own == kind { 9.0 } else { 0.0 },
        events: ByArm {
            baseline: (EXPOSURES.baseline as f64 * usual) as u64,
            canary: (EXPOSURES.canary as f64 * if own == kind { share } else { usual }) as u64,
        },
        exposures: EXPOSURES,
    };
    let said = |weight, log_evidence| Said { weight, log_evidence };
    Outcome {
        rollout: format!("r{number}"),
        service: ["cart", "mail", "search", "stock", "orders"][number as usize % 5].to_owned(),
        ended_at: day(number),
        decided,
        label: None,
        alpha: 0.01,
        least_conversion: 0.95,
        progress: 1.0,
        said: BySource { metrics: said(0.4, 0.5), behaviour: said(0.3, 2.5), logs: said(0.3, 0.0) },
        seen: USUAL.map(seen).to_vec(),
    }
}

/// The same as somebody says what it was, a day later.
pub(crate) fn told(outcome: Outcome, truth: Truth, by: Teller) -> Outcome {
    let at = outcome.ended_at + 86_400;
    Outcome { label: Some(Label { truth, by, at }), ..outcome }
}

pub(crate) fn person(name: &str) -> Teller {
    Teller::Person(name.to_owned())
}

/// A year in which pages that load a little more slowly are undone and called false alarms by four people, faults are found, and most
/// versions go out in silence.
pub(crate) fn year() -> Vec<Outcome> {
    let of = |number: u64| {
        let by = person(["ann", "bob", "cyd", "dan"][number as usize / 10 % 4]);
        let shown = |kind, share| outcome(number, Decided::RolledBack, kind, share);
        match number % 10 {
            0 => told(shown(Kind::SlowLoad, 0.14), Truth::Harmless, by),
            1 => told(shown(Kind::SlowLoad, 0.25), Truth::Harmful, by),
            2 => told(shown(Kind::LogTemplate, 0.01), Truth::Harmful, Teller::Verification),
            3 => told(shown(Kind::Conversion, 0.14), Truth::Harmful, by),
            _ => told(
                outcome(number, Decided::Promoted, Kind::SlowLoad, 0.101),
                Truth::Harmless,
                Teller::Default,
            ),
        }
    };
    (0..300).map(of).collect()
}

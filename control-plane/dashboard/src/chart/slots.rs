//! What both arms got over the last minutes: requests by the second, and the share that failed.

use maud::{Markup, html};
use serin_proto::admin::v1::{ArmSummary, CountSlot};

use super::plot::marks;
use super::{Figure, Plot, Table, line, thinned, times};
use crate::{clock, view, words};

const ARMS: [&str; 2] = ["baseline", "canary"];

/// What is drawn of a slot.
struct Measure<'a> {
    id: &'a str,
    title: &'a str,
    unit: &'a str,
    /// The highest value at least.
    least: f64,
    value: &'a dyn Fn(&ArmSummary, u32) -> Option<f64>,
    shown: &'a dyn Fn(f64) -> String,
}

/// Both figures. Empty without slots.
pub(crate) fn figures(slots: &[CountSlot]) -> Markup {
    let whole: Vec<CountSlot> = slots.iter().filter(|slot| slot.seconds > 0).cloned().collect();
    if whole.is_empty() {
        return html! {};
    }
    let rate = Measure {
        id: "rate",
        title: "Requests of both arms",
        unit: "requests/s",
        least: 1.0,
        value: &|arm, seconds| Some(words::float(arm.requests) / f64::from(seconds)),
        shown: &|value| format!("{}/s", words::number(value)),
    };
    let errors = Measure {
        id: "errors",
        title: "Failed requests of both arms",
        unit: "% failed",
        least: 1.0,
        value: &|arm, _| (arm.requests > 0).then(|| words::share(arm.errors, arm.requests) * 100.0),
        shown: &|value| format!("{} %", words::number(value)),
    };
    html! { (figure(&whole, &errors)) (figure(&whole, &rate)) }
}

fn figure(slots: &[CountSlot], measure: &Measure<'_>) -> Markup {
    let value = |slot: &CountSlot, arm: &str| {
        view::arm(&slot.arms, arm).and_then(|counted| (measure.value)(counted, slot.seconds))
    };
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return html! {} };
    let (from, to) =
        (words::float(first.from_second), words::float(last.from_second + u64::from(last.seconds)));
    let values = slots.iter().flat_map(|slot| ARMS.into_iter().filter_map(|arm| value(slot, arm)));
    let highest = values.fold(measure.least, f64::max);
    let plot = Plot::new((from, to), (0.0, highest));
    let path = |arm: &str| {
        let middle = |slot: &CountSlot| words::float(slot.from_second) + f64::from(slot.seconds) / 2.0;
        line(
            slots
                .iter()
                .filter_map(|slot| Some(plot.point(middle(slot), value(slot, arm)?)))
                .collect::<Vec<_>>(),
        )
    };
    let drawing = html! {
        (plot.frame((&times(from, to), "time"), (&marks(0.0, highest, words::number), measure.unit)))
        @for arm in ARMS { path class=(format!("line {arm}")) d=(path(arm)) {} }
    };
    let shown = |slot: &CountSlot, arm: &str| value(slot, arm).map_or_else(|| "–".to_owned(), measure.shown);
    let row = |slot: &CountSlot| {
        vec![clock::time(slot.from_second * 1_000), shown(slot, "baseline"), shown(slot, "canary")]
    };
    let figure = Figure {
        id: measure.id,
        title: measure.title,
        sentence: format!(
            "Newest: {} on the canary, {} on the baseline.",
            shown(last, "canary"),
            shown(last, "baseline")
        ),
        legend: view::legend(),
        drawing,
        table: Table {
            head: ["From", "Baseline", "Canary"].map(str::to_owned).to_vec(),
            rows: thinned(slots, 60).map(row).collect(),
        },
    };
    figure.show()
}

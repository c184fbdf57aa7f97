//! The result, for people and for programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Options;

/// First paint, in milliseconds: at most so long.
const PAINT_MS: f64 = 1_000.0;
/// Live updates of a viewer, in bytes a second: at most so many.
const BYTES_PER_SECOND: f64 = 100_000.0;
/// All viewers together, in cores: at most so much.
const CORES: f64 = 0.2;

/// One opening of a page.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Load {
    pub(super) status: u16,
    pub(super) foreign: usize,
    first_paint_ms: f64,
    answered_ms: f64,
    document_bytes: f64,
    sent_bytes: f64,
}

/// All openings of a page.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Paint {
    first_paint_ms: Spread,
    answered_ms: Spread,
    document_bytes: f64,
    sent_bytes: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    median: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }
}

impl Paint {
    pub(super) fn of(loads: &[Load]) -> Self {
        let spread = |value: fn(&Load) -> f64| Spread::of(loads.iter().map(value));
        Self {
            first_paint_ms: spread(|load| load.first_paint_ms),
            answered_ms: spread(|load| load.answered_ms),
            document_bytes: spread(|load| load.document_bytes).median,
            sent_bytes: spread(|load| load.sent_bytes).median,
        }
    }
}

/// What viewers of a page cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cost {
    bytes_per_second_per_viewer: f64,
    cores_without_viewers: f64,
    /// The median of the differences of the turns.
    cores_of_viewers: f64,
}

impl Cost {
    pub(super) fn of(without: Vec<f64>, with: Vec<f64>, bytes_per_second: Vec<f64>) -> Self {
        let differences = with.iter().zip(&without).map(|(with, without)| with - without);
        Self {
            cores_of_viewers: Spread::of(differences).median,
            cores_without_viewers: Spread::of(without).median,
            bytes_per_second_per_viewer: Spread::of(bytes_per_second).median,
        }
    }
}

/// One page.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Shown {
    pub(super) page: &'static str,
    #[serde(flatten)]
    pub(super) paint: Paint,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    build: &'static str,
    rollouts: u32,
    live_rollouts: u32,
    components: u32,
    viewers: u32,
    pages: Vec<Shown>,
    /// Every target was met.
    holds: bool,
}

impl Report {
    pub(super) fn new(options: &Options, pages: Vec<Shown>) -> Self {
        let holds = pages.iter().all(|page| {
            page.paint.first_paint_ms.max <= PAINT_MS
                && page.cost.bytes_per_second_per_viewer <= BYTES_PER_SECOND
                && page.cost.cores_of_viewers <= CORES
        });
        Self {
            build: if options.dev { "dev" } else { "release" },
            rollouts: options.rollouts,
            live_rollouts: options.live(),
            components: options.components,
            viewers: options.viewers,
            pages,
            holds,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { build, rollouts, live_rollouts, components, viewers, .. } = self;
        writeln!(
            formatter,
            "{build} build, {rollouts} rollouts × {components} components, {live_rollouts} of them live; {viewers} viewers"
        )?;
        writeln!(
            formatter,
            "| page | first paint median ms | max | answered ms | document KB | live KB/s per viewer | viewers % of a core | without them % |"
        )?;
        writeln!(formatter, "|---|---|---|---|---|---|---|---|")?;
        for Shown { page, paint, cost } in &self.pages {
            writeln!(
                formatter,
                "| {page} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} |",
                paint.first_paint_ms.median,
                paint.first_paint_ms.max,
                paint.answered_ms.median,
                paint.document_bytes / 1e3,
                cost.bytes_per_second_per_viewer / 1e3,
                cost.cores_of_viewers * 100.0,
                cost.cores_without_viewers * 100.0,
            )?;
        }
        let holds = if self.holds { "met" } else { "NOT met" };
        writeln!(
            formatter,
            "targets {holds}: first paint ≤ {PAINT_MS} ms, ≤ {:.0} KB/s per viewer, ≤ {:.0} % of a core for all",
            BYTES_PER_SECOND / 1e3,
            CORES * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_cost_the_difference_of_their_turns() {
        let cost = Cost::of(vec![0.3, 0.5, 0.4], vec![0.4, 0.7, 0.4], vec![10.0, 30.0, 20.0]);
        assert!((cost.cores_of_viewers - 0.1).abs() < 1e-12);
        assert!((cost.bytes_per_second_per_viewer - 20.0).abs() < 1e-12);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, max: 3.0 });
    }
}

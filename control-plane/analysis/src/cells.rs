//! Latency cells and the shapes of a slow-down.
//!
//! Latencies are sorted into 17 cells whose 16 edges lie at quantiles of the component's own baseline. The canary's
//! edges are stretched by the margin, so "the canary is at most the margin slower" becomes "its cells are
//! stochastically not larger". The bets are 16 archetypes: a share of the requests becomes a few times slower. Each
//! is read off the baseline histogram and made monotone (pool adjacent violators), which is what its validity needs.
//!
//! Edges come from seconds before the stratum that they sort, never from the same one. A stretched edge is rounded
//! up to HdrHistogram's bins, so the true margin is up to 0.8 % wider than configured.

use serde::{Deserialize, Serialize};

use crate::evalue::Run;
use crate::histogram::{Bin, LatencyHistogram, quantile_bin};
use crate::increment::Arm;

pub(crate) const EDGES: usize = 16;
pub(crate) const CELLS: usize = EDGES + 1;
pub(crate) const ARCHETYPES: usize = 16;

/// Quantiles of the baseline at which the edges lie.
const QUANTILES: [f64; EDGES] =
    [0.3, 0.5, 0.6, 0.7, 0.775, 0.85, 0.9, 0.93, 0.95, 0.965, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9996];
/// Edges of [`QUANTILES`] beyond which requests are counted for the non-inferiority test: p50, p90, p99.
pub(crate) const HEALTH_EDGES: [usize; 3] = [1, 6, 11];
/// Share of requests that slow down, and how many times slower they become.
const SLOW_DOWNS: [(f64, f64); ARCHETYPES] = [
    (1.0, 1.15),
    (1.0, 1.4),
    (1.0, 2.0),
    (1.0, 4.0),
    (0.3, 2.0),
    (0.3, 4.0),
    (0.3, 12.0),
    (0.1, 2.0),
    (0.1, 4.0),
    (0.1, 12.0),
    (0.03, 2.0),
    (0.03, 4.0),
    (0.03, 12.0),
    (0.01, 2.0),
    (0.01, 4.0),
    (0.01, 12.0),
];
/// How many times more requests than allowed lie beyond a limit of which 1 % may.
const BEYOND: [f64; ARCHETYPES] =
    [1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 14.0, 20.0, 30.0, 45.0, 65.0, 95.0];
/// While the canary warms up it may be this many times slower than the margin allows: caches fill, code is compiled.
const WARM_UP_RATIO: f64 = 2.0;
/// Requests of the lesson without which a tail of cells is one: its ratios would be chance.
const LEAST_TAIL: f64 = 20.0;
/// Bounds of a cell's ratio: one request may move a bet by at most `ln 100` down and `ln 1000` up.
const RATIO_BOUNDS: (f64, f64) = (0.01, 1000.0);

/// Density ratios by cell, one row per archetype. Cells with the same ratio follow each other, and are kept as one run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "Rows", into = "Rows")]
pub(crate) struct Archetypes {
    /// Ratio of each run, row by row, with its logarithm.
    ratios: Box<[(f64, f64)]>,
    /// Cells of each run.
    cells: Box<[u8]>,
}

type Rows = [[f64; CELLS]; ARCHETYPES];

impl From<Rows> for Archetypes {
    fn from(rows: Rows) -> Self {
        let runs = || rows.iter().flat_map(|row| Run::of(row));
        Self {
            ratios: runs().map(|run| (run.ratio, run.ln_ratio)).collect(),
            cells: runs().map(|run| run.cells).collect(),
        }
    }
}

impl From<Archetypes> for Rows {
    fn from(archetypes: Archetypes) -> Self {
        let mut rows = [[1.0; CELLS]; ARCHETYPES];
        rows.iter_mut().flatten().zip(archetypes.by_cell()).for_each(|(into, ratio)| *into = ratio);
        rows
    }
}

impl Archetypes {
    /// The runs of all archetypes, one after the other.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        let runs = self.ratios.iter().zip(&self.cells);
        runs.map(|((ratio, ln_ratio), cells)| Run { ratio: *ratio, ln_ratio: *ln_ratio, cells: *cells })
    }

    fn by_cell(&self) -> impl Iterator<Item = f64> {
        self.runs().flat_map(|run| std::iter::repeat_n(run.ratio, run.cells.into()))
    }

    /// Mean over several components. The mean of non-decreasing ratios is non-decreasing.
    pub(crate) fn mean<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut sum = [[0.0; CELLS]; ARCHETYPES];
        let mut count = 0.0;
        for archetypes in all {
            count += 1.0;
            for (into, ratio) in sum.iter_mut().flatten().zip(archetypes.by_cell()) {
                *into += ratio;
            }
        }
        (count > 0.0).then(|| sum.map(|row| row.map(|ratio| ratio / count)).into())
    }
}

/// Upper ends of the cells but the last.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Edges([Bin; EDGES]);

impl Edges {
    /// Adds the requests of `latency` to the cells.
    pub(crate) fn sort(&self, latency: &LatencyHistogram, into: &mut [u64; CELLS]) {
        latency.sort(&self.0, into);
    }
}

/// The cells of one component, fixed until they are learned anew.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Cells {
    baseline_edges: Edges,
    canary_edges: Edges,
    /// The canary's while it warms up.
    warm_edges: Edges,
    archetypes: Archetypes,
    /// The margin that they were learned with.
    #[serde(default)]
    latency_ratio: f64,
}

impl Cells {
    /// Learns the cells from a baseline histogram; `None` if it is empty.
    pub(crate) fn learn(baseline: &LatencyHistogram, latency_ratio: f64) -> Option<Self> {
        let count = baseline.count();
        let mut baseline_edges = [quantile_bin(baseline.bins(), count, 1.0)?; EDGES];
        for (edge, quantile) in baseline_edges.iter_mut().zip(QUANTILES) {
            *edge = quantile_bin(baseline.bins(), count, quantile)?;
        }
        let stretched =
            |ratio: f64| baseline_edges.map(|edge| Bin::of((edge.highest_us() as f64 * ratio) as u64));
        let mut cells = Self {
            baseline_edges: Edges(baseline_edges),
            canary_edges: Edges(stretched(1.0 + latency_ratio)),
            warm_edges: Edges(stretched((1.0 + latency_ratio) * WARM_UP_RATIO)),
            archetypes: [[1.0; CELLS]; ARCHETYPES].into(),
            latency_ratio,
        };
        cells.archetypes = cells.shapes(baseline);
        Some(cells)
    }

    /// Two cells, up to `us` and beyond, of which the latter holds the share `beyond` of the requests at most; gives
    /// their shares too. The archetypes are larger shares, none of them stretched.
    pub(crate) fn beyond(us: u64, beyond: f64) -> (Self, [f64; CELLS]) {
        let edges = |us: u64| Edges([Bin::of(us); EDGES]);
        let mut shares = [0.0; CELLS];
        let mut rows = [[1.0; CELLS]; ARCHETYPES];
        if let Some(share) = shares.first_mut() {
            *share = 1.0 - beyond;
        }
        if let Some(share) = shares.last_mut() {
            *share = beyond;
        }
        for (row, ratio) in rows.iter_mut().zip(BEYOND) {
            *row = [(1.0 - beyond * ratio) / (1.0 - beyond); CELLS];
            if let Some(last) = row.last_mut() {
                *last = ratio;
            }
        }
        let cells = Self {
            baseline_edges: edges(us),
            canary_edges: edges(us),
            warm_edges: edges((us as f64 * WARM_UP_RATIO) as u64),
            archetypes: rows.into(),
            latency_ratio: 0.0,
        };
        (cells, shares)
    }

    pub(crate) fn archetypes(&self) -> &Archetypes {
        &self.archetypes
    }

    /// Whether they are those of this margin.
    pub(crate) fn are_of(&self, latency_ratio: f64) -> bool {
        (self.latency_ratio - latency_ratio).abs() < f64::EPSILON
    }

    /// Adds the requests of `latency` to the cells of `arm`, which may still warm up.
    pub(crate) fn sort(&self, arm: Arm, warm: bool, latency: &LatencyHistogram, into: &mut [u64; CELLS]) {
        self.edges(arm, warm).sort(latency, into);
    }

    pub(crate) fn baseline_edges(&self) -> Edges {
        self.baseline_edges
    }

    /// Adds `count` requests that are still open after `age_us`: they exceed every edge below their age, and no
    /// more is known of them.
    pub(crate) fn sort_open(&self, arm: Arm, warm: bool, age_us: u64, count: u64, into: &mut [u64; CELLS]) {
        let bin = Bin::of(age_us);
        if let Some(cell) = into.get_mut(self.edges(arm, warm).0.partition_point(|edge| *edge < bin)) {
            *cell = cell.saturating_add(count);
        }
    }

    fn edges(&self, arm: Arm, warm: bool) -> &Edges {
        match arm {
            Arm::Baseline => &self.baseline_edges,
            Arm::Canary if warm => &self.warm_edges,
            Arm::Canary => &self.canary_edges,
        }
    }

    fn shapes(&self, baseline: &LatencyHistogram) -> Archetypes {
        let mut sum = 0.0;
        let below: Vec<(Bin, f64)> = baseline
            .bins()
            .map(|(bin, count)| {
                sum += count as f64;
                (bin, sum)
            })
            .collect();
        let reference = cells_of(&below, &self.baseline_edges.0, 1.0);
        let tail = tail(&reference);
        let reference = smooth(&reference);
        let unchanged = cells_of(&below, &self.canary_edges.0, 1.0);
        let mut by_factor: Vec<(f64, [f64; CELLS])> = Vec::new();
        let rows = SLOW_DOWNS.map(|(share, factor)| {
            let known = by_factor.iter().find(|(of, _)| *of == factor).map(|(_, cells)| *cells);
            let mut slowed = known.unwrap_or_else(|| {
                let cells = cells_of(&below, &self.canary_edges.0, factor);
                by_factor.push((factor, cells));
                cells
            });
            for (slow, fast) in slowed.iter_mut().zip(unchanged) {
                *slow = share * *slow + (1.0 - share) * fast;
            }
            monotone_ratios(&smooth(&slowed), &reference, tail)
        });
        rows.into()
    }
}

/// Requests by cell if all become `factor` times slower. `below` holds each bin with the requests up to it.
fn cells_of(below: &[(Bin, f64)], edges: &[Bin; EDGES], factor: f64) -> [f64; CELLS] {
    let slowed = |bin: Bin| Bin::of((bin.highest_us() as f64 * factor) as u64);
    let mut cells = [below.last().map_or(0.0, |(_, sum)| *sum); CELLS];
    for (cell, edge) in cells.iter_mut().zip(edges) {
        let reached = below.partition_point(|(bin, _)| slowed(*bin) <= *edge);
        *cell = reached.checked_sub(1).and_then(|at| below.get(at)).map_or(0.0, |(_, sum)| *sum);
    }
    let mut before = 0.0;
    for cell in &mut cells {
        (*cell, before) = (*cell - before, *cell);
    }
    cells
}

/// Shares by cell, with one pseudo-request spread over the cells as the quantiles say, so that no share is zero.
fn smooth(counts: &[f64; CELLS]) -> [f64; CELLS] {
    let total = counts.iter().sum::<f64>() + 1.0;
    let mut below = 0.0;
    let mut shares = *counts;
    for (share, quantile) in shares.iter_mut().zip(QUANTILES.into_iter().chain([1.0])) {
        *share = (*share + quantile - below) / total;
        below = quantile;
    }
    shares
}

/// The first of the last cells that together hold [`LEAST_TAIL`].
fn tail(counts: &[f64; CELLS]) -> usize {
    let mut sum = 0.0;
    let first = counts.iter().rposition(|count| {
        sum += count;
        sum >= LEAST_TAIL
    });
    first.unwrap_or(0)
}

/// The non-decreasing ratios nearest to `numerator / denominator` with weights `denominator` (pool adjacent
/// violators), within [`RATIO_BOUNDS`]. Cells from `tail` on share one. Every denominator is above zero.
fn monotone_ratios(numerator: &[f64; CELLS], denominator: &[f64; CELLS], tail: usize) -> [f64; CELLS] {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(CELLS);
    let sum = |of: &[f64; CELLS]| of.iter().skip(tail).sum::<f64>();
    let each = numerator.iter().zip(denominator).take(tail).map(|(above, below)| (*above, *below, 1));
    for mut block in each.chain([(sum(numerator), sum(denominator), CELLS - tail)]) {
        while let Some(&(left_above, left_below, left_cells)) = blocks.last()
            && left_above * block.1 > block.0 * left_below
        {
            block = (left_above + block.0, left_below + block.1, left_cells + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let (low, high) = RATIO_BOUNDS;
    let fitted =
        blocks.into_iter().flat_map(|(above, below, cells)| std::iter::repeat_n(above / below, cells));
    let mut ratios = [1.0; CELLS];
    for (ratio, fit) in ratios.iter_mut().zip(fitted) {
        *ratio = fit.clamp(low, high);
    }
    ratios
}

#[cfg(test)]
mod tests;

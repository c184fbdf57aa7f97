//! Latencies of both arms: where most requests lie, and how far the slowest go.

use maud::{Markup, html};
use serin_proto::admin::v1::{ArmSummary, LatencyBucket, LatencyDistribution};

use super::plot::marks;
use super::{Figure, Plot, Table, Tick, area, axis, line};
use crate::{view, words};

const BINS: usize = 36;
/// Marks of the tail: the shares that are slower.
const TAIL: [f64; 4] = [0.5, 0.1, 0.01, 0.001];

/// One arm, binned evenly on the logarithm of latency.
struct Arm<'a> {
    name: &'a str,
    /// Shares of its requests.
    bins: Vec<f64>,
    requests: u64,
}

/// Both arms on one axis.
struct Binned<'a> {
    low: f64,
    high: f64,
    arms: Vec<Arm<'a>>,
}

/// Shares of both arms by latency, and what is slower than a latency. Empty without requests.
pub(crate) fn figures(latencies: &[LatencyDistribution], arms: &[ArmSummary]) -> Markup {
    let Some(binned) = Binned::of(latencies) else { return html! {} };
    html! { (density(&binned, arms)) (tail(&binned)) }
}

impl<'a> Binned<'a> {
    fn of(latencies: &'a [LatencyDistribution]) -> Option<Self> {
        let buckets = || latencies.iter().flat_map(|one| &one.buckets).filter(|one| one.requests > 0);
        let low = words::float(buckets().map(|one| one.from_us).min()?.max(1)).log10();
        let high = words::float(buckets().map(|one| one.to_us).max()?.max(2)).log10();
        // At least a third of a decade, so that one bucket is not as wide as the chart.
        let high = high.max(low + 0.3);
        let arms = latencies.iter().map(|one| {
            let requests: u64 = one.buckets.iter().map(|bucket| bucket.requests).sum();
            let mut bins = vec![0.0; BINS];
            for bucket in &one.buckets {
                spread(&mut bins, bucket, (low, high), words::share(bucket.requests, requests));
            }
            Arm { name: &one.arm, bins, requests }
        });
        Some(Self { low, high, arms: arms.collect() })
    }

    fn edge(&self, bin: usize) -> f64 {
        self.low + (self.high - self.low) * bin as f64 / BINS as f64
    }

    fn ticks(&self) -> Vec<Tick> {
        let marks = axis::logarithmic(10_f64.powf(self.low) / 1_000.0, 10_f64.powf(self.high) / 1_000.0);
        marks.into_iter().map(|ms| ((ms * 1_000.0).log10(), words::number(ms))).collect()
    }

    fn table(&self, value: impl Fn(&Arm<'_>, usize) -> String) -> Table {
        let head = std::iter::once("Latency up to".to_owned())
            .chain(self.arms.iter().map(|arm| arm.name.to_owned()));
        let row = |bin: usize| {
            let edge = words::latency(10_f64.powf(self.edge(bin + 1)));
            std::iter::once(edge).chain(self.arms.iter().map(|arm| value(arm, bin))).collect()
        };
        Table { head: head.collect(), rows: (0..BINS).map(row).collect() }
    }
}

/// Adds a bucket's share to the bins that it reaches over, evenly on the logarithm: so buckets that are wider than bins leave no gaps.
fn spread(bins: &mut [f64], bucket: &LatencyBucket, (low, high): (f64, f64), share: f64) {
    let place = |us: u64| (words::float(us.max(1)).log10() - low) / (high - low) * BINS as f64;
    let (from, to) = (place(bucket.from_us), place(bucket.to_us.max(bucket.from_us + 1)));
    let width = (to - from).max(1e-9);
    for (index, bin) in bins.iter_mut().enumerate() {
        let (start, end) = (index as f64, (index + 1) as f64);
        // What lies beyond the ends belongs to the first and the last bin.
        let start = if index == 0 { f64::NEG_INFINITY } else { start };
        let end = if index + 1 == BINS { f64::INFINITY } else { end };
        *bin += share * ((to.min(end) - from.max(start)) / width).max(0.0);
    }
}

/// Median and 99th percentile of each arm, as the buckets tell them.
pub(crate) fn summaries(latencies: &[LatencyDistribution]) -> Vec<ArmSummary> {
    let of = |one: &LatencyDistribution| {
        let requests: u64 = one.buckets.iter().map(|bucket| bucket.requests).sum();
        let quantile = |percent: u64| {
            let (rank, mut seen) = ((requests * percent).div_ceil(100), 0);
            let reached = one.buckets.iter().find(|bucket| {
                seen += bucket.requests;
                seen >= rank
            });
            reached.map(|bucket| bucket.to_us).unwrap_or_default()
        };
        let (latency_p50_us, latency_p99_us) = (quantile(50), quantile(99));
        ArmSummary { arm: one.arm.clone(), requests, errors: 0, latency_p50_us, latency_p99_us }
    };
    latencies.iter().map(of).collect()
}

fn density(binned: &Binned<'_>, arms: &[ArmSummary]) -> Markup {
    let highest = binned.arms.iter().flat_map(|arm| &arm.bins).copied().fold(0.01, f64::max);
    // With room above for the marks of quantiles.
    let plot = Plot::new((binned.low, binned.high), (0.0, highest * 1.3));
    let y_ticks = marks(0.0, highest * 100.0, words::number);
    let y_ticks: Vec<Tick> = y_ticks.into_iter().map(|(value, text)| (value / 100.0, text)).collect();
    let drawing = html! {
        (plot.frame((&binned.ticks(), "latency in ms, logarithmic"), (&y_ticks, "% of the arm's requests")))
        @for arm in &binned.arms { (steps(&plot, binned, arm)) }
        @for (index, arm) in arms.iter().enumerate() { (quantiles(&plot, arm, index)) }
    };
    let figure = Figure {
        id: "latency",
        title: "Latency of both arms",
        sentence: quantile_sentence(arms),
        legend: view::legend(),
        drawing,
        table: binned.table(|arm, bin| words::percent(arm.bins.get(bin).copied().unwrap_or_default())),
    };
    figure.show()
}

fn steps(plot: &Plot, binned: &Binned<'_>, arm: &Arm<'_>) -> Markup {
    let points = arm.bins.iter().enumerate().flat_map(|(bin, share)| {
        [plot.point(binned.edge(bin), *share), plot.point(binned.edge(bin + 1), *share)]
    });
    let points: Vec<(f64, f64)> = points.collect();
    html! {
        path class=(format!("area {}", class(arm.name))) d=(area(&points, Plot::base())) {}
        path class=(format!("line {}", class(arm.name))) d=(line(points)) {}
    }
}

/// Marks at the median and the 99th percentile, each arm's at a height of its own.
fn quantiles(plot: &Plot, arm: &ArmSummary, index: usize) -> Markup {
    let y = 22.0 + index as f64 * 12.0;
    html! {
        @for (us, name) in [(arm.latency_p50_us, "p50"), (arm.latency_p99_us, "p99")] {
            @if us > 0 {
                @let x = plot.x.at(words::float(us).log10()).round();
                path class=(format!("line {}", class(&arm.arm))) d=(format!("M{x} {y}V{}", Plot::base())) {}
                @let letter = if arm.arm == "baseline" { "B" } else { "C" };
                text class="strong" x=(if x > 310.0 { x - 3.0 } else { x + 3.0 }) y=(y + 9.0) text-anchor=(if x > 310.0 { "end" } else { "start" }) { (letter) " " (name) }
            }
        }
    }
}

fn quantile_sentence(arms: &[ArmSummary]) -> String {
    let of = |name: &str, us: &dyn Fn(&ArmSummary) -> u64| view::arm(arms, name).map(us).unwrap_or_default();
    let said = |word: &str, us: &dyn Fn(&ArmSummary) -> u64| {
        let (baseline, canary) = (of("baseline", us), of("canary", us));
        if baseline == 0 || canary == 0 {
            return None;
        }
        let times = words::float(canary) / words::float(baseline);
        let (canary, baseline) =
            (words::latency(words::float(canary)), words::latency(words::float(baseline)));
        Some(format!(
            "{word} {canary} on the canary, {baseline} on the baseline (× {})",
            words::number(times)
        ))
    };
    let said =
        [said("99th percentile", &|arm| arm.latency_p99_us), said("median", &|arm| arm.latency_p50_us)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() {
        "Not both arms have finished requests in the last 60 seconds.".to_owned()
    } else {
        format!("{}.", said.join("; "))
    }
}

/// The share of requests that are slower, on a logarithmic scale: the tail is as large as the rest.
fn tail(binned: &Binned<'_>) -> Markup {
    let plot = Plot::new((binned.low, binned.high), (-3.0, 0.0));
    let ticks: Vec<Tick> = TAIL.iter().map(|share| (share.log10(), words::number(share * 100.0))).collect();
    let slower = |arm: &Arm<'_>, bin: usize| arm.bins.iter().skip(bin + 1).sum::<f64>();
    let points = |arm: &Arm<'_>| {
        let shares = (0..BINS).map(|bin| (binned.edge(bin + 1), slower(arm, bin)));
        let seen = shares.take_while(|(_, share)| *share > 0.0005);
        let first = plot.point(binned.low, 0.0);
        line(
            std::iter::once(first)
                .chain(seen.map(|(x, share)| plot.point(x, share.log10())).collect::<Vec<_>>()),
        )
    };
    let drawing = html! {
        (plot.frame((&binned.ticks(), "latency in ms, logarithmic"), (&ticks, "% slower than this, logarithmic")))
        @for arm in &binned.arms { path class=(format!("line {}", class(arm.name))) d=(points(arm)) {} }
    };
    let requests = binned
        .arms
        .iter()
        .map(|arm| format!("{} on the {}", words::counted(arm.requests, "request"), arm.name));
    let figure = Figure {
        id: "tail",
        title: "How slow the slowest are",
        sentence: format!(
            "Where a line lies further right, its slowest requests take longer. Last 60 seconds: {}.",
            requests.collect::<Vec<_>>().join(", ")
        ),
        legend: view::legend(),
        drawing,
        table: binned.table(|arm, bin| format!("{} slower", words::percent(slower(arm, bin)))),
    };
    figure.show()
}

/// The class of an arm: those of an experiment beside the control are drawn as the canary.
pub(super) fn class(arm: &str) -> &'static str {
    if arm == "baseline" { "baseline" } else { "canary" }
}

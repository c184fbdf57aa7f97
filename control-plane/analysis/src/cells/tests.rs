use super::*;
use crate::evalue::log_e_cells;

/// Values of an oracle in closed form: tests/fixtures/archetypes.py.
#[derive(Deserialize)]
struct Fixture {
    edges_ms: [f64; EDGES],
    reference: [f64; CELLS],
    archetypes: Vec<FixtureArchetype>,
    baseline: [f64; CELLS],
    canary: [f64; CELLS],
    log_e: Vec<f64>,
}

#[derive(Deserialize)]
struct FixtureArchetype {
    share: f64,
    factor: f64,
    cells: [f64; CELLS],
    ratios: [f64; CELLS],
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/archetypes.json")).unwrap()
}

#[test]
fn monotone_ratios_equal_the_oracles() {
    let fixture = fixture();
    assert_eq!(fixture.archetypes.len(), ARCHETYPES);
    for (archetype, slow_down) in fixture.archetypes.iter().zip(SLOW_DOWNS) {
        assert_eq!((archetype.share, archetype.factor), slow_down);
        let ratios = monotone_ratios(&archetype.cells, &fixture.reference, CELLS - 1);
        for (ratio, expected) in ratios.iter().zip(archetype.ratios) {
            assert!((ratio / expected - 1.0).abs() < 1e-9, "{slow_down:?}: {ratio} instead of {expected}");
        }
    }
}

#[test]
fn evidence_by_cells_equals_the_oracles() {
    let fixture = fixture();
    for (archetype, expected) in fixture.archetypes.iter().zip(&fixture.log_e) {
        let value = log_e_cells(&fixture.baseline, &fixture.canary, &archetype.ratios);
        assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
    }
}

/// The fixture's distribution as a histogram: `count` requests at evenly spaced quantiles, between known edges.
fn histogram(fixture: &Fixture, count: u64) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    let mut below_ms = 5.0_f64;
    for (share, edge_ms) in fixture.reference.iter().zip(fixture.edges_ms.into_iter().chain([5000.0])) {
        let requests = (share * count as f64).round() as u64;
        for request in 0..requests {
            let along = (request as f64 + 0.5) / requests as f64;
            histogram.record((below_ms * (edge_ms / below_ms).powf(along) * 1000.0) as u64);
        }
        below_ms = edge_ms;
    }
    histogram
}

#[test]
fn learned_edges_lie_at_the_quantiles_of_the_baseline() {
    let fixture = fixture();
    let cells = Cells::learn(&histogram(&fixture, 100_000), 0.10).unwrap();
    let edges = cells.baseline_edges.0.iter().zip(&cells.canary_edges.0).zip(fixture.edges_ms);
    for ((baseline, canary), expected_ms) in edges {
        let expected_us = expected_ms * 1000.0;
        let baseline = baseline.highest_us() as f64;
        assert!((baseline / expected_us - 1.0).abs() < 0.012, "{baseline} instead of {expected_us}");
        let margin = canary.highest_us() as f64 / baseline;
        assert!((1.10..1.109).contains(&margin), "a margin is rounded up by less than a bin: {margin}");
    }
}

#[test]
fn learned_archetypes_follow_the_oracle_where_they_bet_on_slowness() {
    let fixture = fixture();
    let cells = Cells::learn(&histogram(&fixture, 100_000), 0.10).unwrap();
    for (learned, expected) in Rows::from(cells.archetypes().clone()).iter().zip(&fixture.archetypes) {
        let gain = |ratios: &[f64; CELLS]| {
            ratios.iter().zip(&expected.cells).map(|(ratio, share)| share * ratio.ln()).sum::<f64>()
        };
        let (gain_learned, gain_expected) = (gain(learned), gain(&expected.ratios));
        let close = (gain_learned - gain_expected).abs() < 0.1 * gain_expected.abs() + 0.02;
        let name = (expected.share, expected.factor);
        assert!(close, "{name:?}: {gain_learned} nats instead of {gain_expected}");
    }
}

#[test]
fn learned_ratios_never_fall_whatever_the_baseline_looks_like() {
    let constant = {
        let mut histogram = LatencyHistogram::new();
        histogram.record_n(20_000, 500);
        histogram
    };
    let two_modes = {
        let mut histogram = LatencyHistogram::new();
        histogram.record_n(1_000, 300);
        histogram.record_n(2_000_000, 30);
        histogram.record_n(u64::MAX, 1);
        histogram
    };
    for baseline in [constant, two_modes] {
        let cells = Cells::learn(&baseline, 0.10).unwrap();
        for ratios in &Rows::from(cells.archetypes().clone()) {
            assert!(ratios.is_sorted(), "{ratios:?}");
            assert!(ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0), "{ratios:?}");
        }
    }
    assert_eq!(Cells::learn(&LatencyHistogram::new(), 0.10), None);
}

#[test]
fn a_canary_slower_by_the_margin_falls_into_the_baselines_cells() {
    let mut baseline = LatencyHistogram::new();
    let mut canary = LatencyHistogram::new();
    for us in (1_000..200_000).step_by(97) {
        baseline.record(us);
        canary.record(us * 11 / 10);
    }
    let cells = Cells::learn(&baseline, 0.10).unwrap();
    let (mut of_baseline, mut of_canary) = ([0; CELLS], [0; CELLS]);
    cells.sort(Arm::Baseline, false, &baseline, &mut of_baseline);
    cells.sort(Arm::Canary, false, &canary, &mut of_canary);
    let beyond = |cells: &[u64; CELLS], edge: usize| cells.iter().skip(edge).sum::<u64>();
    for edge in 0..CELLS {
        let (slow_baseline, slow_canary) = (beyond(&of_baseline, edge), beyond(&of_canary, edge));
        assert!(
            slow_canary <= slow_baseline + baseline.count() / 100,
            "{edge}: {slow_canary} {slow_baseline}"
        );
        assert!(
            slow_canary + baseline.count() / 50 >= slow_baseline,
            "{edge}: {slow_canary} {slow_baseline}"
        );
    }
}

#[test]
fn an_open_request_exceeds_exactly_the_edges_below_its_age() {
    let mut baseline = LatencyHistogram::new();
    (1..=1000).for_each(|ms| baseline.record(ms * 1000));
    let cells = Cells::learn(&baseline, 0.10).unwrap();
    let cell_of = |age_us| {
        let mut counts = [0; CELLS];
        cells.sort_open(Arm::Canary, false, age_us, 1, &mut counts);
        counts.iter().position(|count| *count == 1).unwrap()
    };
    assert_eq!(cell_of(0), 0);
    assert_eq!(cell_of(600_000), 2, "beyond 1.1 x p50, not beyond 1.1 x p60");
    assert_eq!(cell_of(3_000_000), CELLS - 1);
}

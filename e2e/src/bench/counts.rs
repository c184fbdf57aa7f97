//! What arms count in benches that simulate Envoys: drawn failures, and encoded histograms of latencies around 20 ms.

use anyhow::Result;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use serin_proto::fleet::v1::{ArmCounts, OutcomeCounts};

use crate::draws::Draws;

/// Encoded histograms of each count to draw from.
const VARIANTS: usize = 16;

/// Draws, and encoded histograms of 0, 1, … latencies.
pub(super) struct Counts {
    draws: Draws,
    histograms: Vec<Vec<Vec<u8>>>,
}

impl Counts {
    /// For arms of at most so many requests.
    pub(super) fn new(seed: u64, requests_max: u64) -> Result<Self> {
        let mut draws = Draws::new(seed);
        let mut histograms = Vec::new();
        for count in 0..=requests_max {
            histograms.push((0..VARIANTS).map(|_| histogram(count, &mut draws)).collect::<Result<_>>()?);
        }
        Ok(Self { draws, histograms })
    }

    /// What one arm counts, of whose requests a share fails.
    pub(super) fn arm(&mut self, name: &str, requests: u64, failing: f64) -> ArmCounts {
        let failed = (0..requests).filter(|_| self.draws.share() < failing).count() as u64;
        let ok = requests - failed;
        let variant = self.draws.bits() as usize % VARIANTS;
        let latency = self.histograms.get(ok as usize).and_then(|variants| variants.get(variant));
        ArmCounts {
            arm: name.to_owned(),
            started: requests,
            outcomes: Some(OutcomeCounts { ok, server_error: failed, ..OutcomeCounts::default() }),
            latency_hdr: latency.cloned().unwrap_or_default(),
            ..ArmCounts::default()
        }
    }
}

/// `count` latencies around 20 ms, encoded. Empty for none.
fn histogram(count: u64, draws: &mut Draws) -> Result<Vec<u8>> {
    let mut encoded = Vec::new();
    if count > 0 {
        let mut histogram = Histogram::<u64>::new(2)?;
        for _ in 0..count {
            // The sum of twelve uniform draws is nearly normal.
            let normal = (0..12).map(|_| draws.share()).sum::<f64>() - 6.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1 s")]
            histogram.record((20_000.0 * (0.5 * normal).exp()) as u64)?;
        }
        V2Serializer::new().serialize(&histogram, &mut encoded)?;
    }
    Ok(encoded)
}

//! The result, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::Effort;
use super::variant::Variant;

/// Medians over all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Serin / native `weighted_clusters`.
    pub ratio_vs_native: f64,
    /// Serin / Lua filter that routes and counts.
    pub ratio_vs_lua_counting: f64,
    /// Serin / the leanest Lua filter that routes and counts.
    pub ratio_vs_lua_counting_lean: f64,
    /// Serin / Lua filter that routes.
    pub ratio_vs_lua_routing: f64,
    /// Empty WASM filter / native: what no WASM filter can go below.
    pub ratio_empty_wasm_vs_native: f64,
    /// CPU time of Envoy per request in microseconds, by variant.
    pub cpu_us_per_request: BTreeMap<&'static str, f64>,
    /// Each variant / native.
    pub ratio_to_native: BTreeMap<&'static str, f64>,
    /// Rounds.
    pub rounds: usize,
    /// Requests of each variant in a round.
    pub requests_per_round: u64,
}

impl Report {
    pub(super) fn new(rounds: &[BTreeMap<Variant, Duration>], effort: Effort) -> Result<Self> {
        let ratio = |variant: Variant, to: Variant| {
            median(rounds.iter().filter_map(|round| {
                let (cost, base) = (round.get(&variant)?, round.get(&to)?);
                Some(cost.as_secs_f64() / base.as_secs_f64())
            }))
        };
        let mut cpu_us_per_request = BTreeMap::new();
        let mut ratio_to_native = BTreeMap::new();
        for variant in Variant::ALL {
            let costs = rounds.iter().filter_map(|round| Some(round.get(&variant)?.as_secs_f64() * 1e6));
            cpu_us_per_request.insert(variant.name(), median(costs)?);
            ratio_to_native.insert(variant.name(), ratio(variant, Variant::Native)?);
        }
        Ok(Self {
            ratio_vs_native: ratio(Variant::Serin, Variant::Native)?,
            ratio_vs_lua_counting: ratio(Variant::Serin, Variant::LuaCounting)?,
            ratio_vs_lua_counting_lean: ratio(Variant::Serin, Variant::LuaCountingLean)?,
            ratio_vs_lua_routing: ratio(Variant::Serin, Variant::LuaRouting)?,
            ratio_empty_wasm_vs_native: ratio(Variant::EmptyWasm, Variant::Native)?,
            cpu_us_per_request,
            ratio_to_native,
            rounds: effort.rounds,
            requests_per_round: effort.requests,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<20}{:>16}{:>12}", "variant", "CPU us/request", "to native")?;
        for variant in Variant::ALL {
            let name = variant.name();
            let (cost, ratio) = (self.cpu_us_per_request.get(name), self.ratio_to_native.get(name));
            if let (Some(cost), Some(ratio)) = (cost, ratio) {
                writeln!(formatter, "{name:<20}{cost:>16.1}{ratio:>12.3}")?;
            }
        }
        writeln!(
            formatter,
            "\nserin / lua_counting {:.3} (target 0.92 or less)",
            self.ratio_vs_lua_counting
        )?;
        writeln!(formatter, "serin / native       {:.3} (target 1.22 or less)", self.ratio_vs_native)?;
        write!(formatter, "medians of {} rounds of {} requests", self.rounds, self.requests_per_round)
    }
}

/// Middle value, rounded to four digits after the point; of an even number of values the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2), values.get(values.len() / 2));
    let middle =
        low.zip(high).map(|(low, high)| f64::midpoint(*low, *high)).context("nothing was measured")?;
    Ok((middle * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let round = |native: u64, serin: u64| {
            Variant::ALL
                .map(|variant| (variant, if variant == Variant::Serin { serin } else { native }))
                .map(|(variant, cost)| (variant, Duration::from_micros(cost)))
                .into()
        };
        // The second round ran on a machine half as fast, the third was disturbed.
        let rounds: Vec<BTreeMap<_, _>> = vec![round(50, 60), round(100, 120), round(50, 90)];
        let report = Report::new(&rounds, Effort { rounds: 3, requests: 1 }).unwrap();
        assert_eq!((report.ratio_vs_native, report.cpu_us_per_request["serin"]), (1.2, 90.0));
        assert_eq!(report.ratio_empty_wasm_vs_native, 1.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()).unwrap(), 2.5);
        median(std::iter::empty()).unwrap_err();
    }
}

//! The table, as JSON, for people and for documents.

use std::fmt::Write as _;

use serde::Serialize;

use crate::row::{Quantiles, Row};
use crate::scenario::{Truth, by_id};

/// All rows of one run of the bench.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Commit that was measured.
    pub commit: String,
    /// Seed of all draws.
    pub seed: u64,
    /// Rollouts of each scenario.
    pub runs: u64,
    /// By scenario, then by method.
    pub rows: Vec<Row>,
}

impl Report {
    /// The table for people.
    pub fn text(&self) -> String {
        let mut text =
            format!("commit {}, seed {}, {} rollouts of each scenario\n", self.commit, self.seed, self.runs);
        for rows in self.by_scenario() {
            let _ = writeln!(text, "\n{}", title(rows));
            let columns = ["rolled back", "delay s", "(p95)", "bad requests", "(p95)", "right scope"];
            let _ = write!(text, "  {:<16}", "");
            text.extend(columns.iter().map(|column| format!("{column:>14}")));
            text.push('\n');
            for row in rows {
                let _ = write!(text, "  {:<16}", row.method);
                text.extend(cells(row).iter().map(|cell| format!("{cell:>14}")));
                text.push('\n');
            }
        }
        text
    }

    /// The table as Markdown: rollback rates of good versions, then of bad ones `median delay (share found)`.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let is_good = |rows: &&[Row]| rows.first().is_some_and(|row| row.rollback_rate_95.is_some());
        let _ = writeln!(text, "### Good versions: share rolled back, in percent\n");
        self.markdown_table(&mut text, self.by_scenario().filter(|rows| is_good(rows)), "", |_| {
            String::new()
        });
        let _ = writeln!(text, "\n### Bad versions: median delay in seconds (share found in percent)\n");
        let bound = |rows: &[Row]| {
            let bound = rows.first().and_then(|row| row.information_bound_s);
            format!(" {} |", bound.map_or("-".to_owned(), |bound| format!("{bound:.1}")))
        };
        self.markdown_table(&mut text, self.by_scenario().filter(|rows| !is_good(rows)), " bound |", bound);
        let _ = writeln!(text, "\n### Bad versions in detail: Serin\n");
        let _ = writeln!(
            text,
            "| scenario | found % | delay median | p95 | bad requests median | p95 | right scope % |"
        );
        let _ = writeln!(text, "|---|---|---|---|---|---|---|");
        for rows in self.by_scenario().filter(|rows| !is_good(rows)) {
            if let Some(row) = rows.first() {
                let _ = writeln!(text, "| `{}` | {} |", row.scenario, cells(row).join(" | "));
            }
        }
        text
    }

    fn markdown_table<'a>(
        &'a self,
        text: &mut String,
        scenarios: impl Iterator<Item = &'a [Row]>,
        more: &str,
        cell: impl Fn(&[Row]) -> String,
    ) {
        let methods: Vec<_> =
            self.by_scenario().next().unwrap_or_default().iter().map(|row| row.method).collect();
        let _ = writeln!(text, "| scenario |{more} {} |", methods.join(" | "));
        let _ = writeln!(
            text,
            "|---|{}{}",
            if more.is_empty() { "" } else { "---|" },
            "---|".repeat(methods.len())
        );
        for rows in scenarios {
            let id = rows.first().map_or("", |row| row.scenario);
            let _ = write!(text, "| `{id}` |{}", cell(rows));
            text.extend(rows.iter().map(|row| format!(" {} |", short(row))));
            text.push('\n');
        }
    }

    fn by_scenario(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|one, other| one.scenario == other.scenario)
    }
}

fn title(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let about = by_id(first.scenario).map_or("", |scenario| scenario.about);
    let kind = match by_id(first.scenario).map(|scenario| &scenario.truth) {
        Some(Truth::Good) => "good",
        Some(Truth::Bad { .. }) | None => "bad",
    };
    let bound = first.information_bound_s.map(|bound| format!("; information bound {bound:.1} s"));
    format!("{} ({kind}): {about}{}", first.scenario, bound.unwrap_or_default())
}

fn cells(row: &Row) -> [String; 6] {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
    let Quantiles { median, p95 } = row.bad_requests;
    let found = match row.rollback_rate_95 {
        Some((_, high)) => format!("{} (<{})", percent(row.rollback_rate), percent(high)),
        None => percent(row.rollback_rate),
    };
    [
        found,
        number(row.delay_s.median),
        number(row.delay_s.p95),
        number(median),
        number(p95),
        row.localised_rate.map_or("-".to_owned(), percent),
    ]
}

fn short(row: &Row) -> String {
    if row.rollback_rate_95.is_some() {
        return percent(row.rollback_rate);
    }
    let early = row.early_rate.filter(|rate| *rate > 0.0);
    let early = early.map(|rate| format!(", {} early", percent(rate))).unwrap_or_default();
    match row.delay_s.median {
        Some(median) if row.rollback_rate >= 1.0 => format!("{median:.0}"),
        Some(median) => format!("{median:.0} ({}{early})", percent(row.rollback_rate)),
        None => format!("- ({}{early})", percent(row.rollback_rate)),
    }
}

fn percent(share: f64) -> String {
    let percent = format!("{:.1}", 100.0 * share);
    percent.strip_suffix(".0").map_or(percent.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_shown_in_percent_without_needless_digits() {
        for (share, shown) in [(0.14, "14"), (0.58, "58"), (1.0, "100"), (0.005, "0.5"), (0.018_275, "1.8")] {
            assert_eq!(percent(share), shown);
        }
    }
}

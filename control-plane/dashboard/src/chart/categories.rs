//! Failures by category, of both arms.

use maud::{Markup, html};
use serin_proto::admin::v1::{CategoryFailures, Reason};

use super::plot::WIDTH;
use crate::{view, words};

const ROW: f64 = 50.0;
const BAR: f64 = 230.0;

/// Bars for each category of the reason that has some. Empty: no failure has a category.
pub(crate) fn figure(reasons: &[Reason]) -> Markup {
    let Some(reason) = reasons.iter().find(|one| !one.categories.is_empty()) else { return html! {} };
    let of = |one: &CategoryFailures| {
        [
            words::share(one.baseline, reason.baseline_requests),
            words::share(one.canary, reason.canary_requests),
        ]
    };
    let highest = reason.categories.iter().flat_map(of).fold(f64::MIN_POSITIVE, f64::max);
    let blamed: Vec<&str> = reason
        .categories
        .iter()
        .filter(|one| one.at_fault)
        .map(|one| words::category(&one.category))
        .collect();
    let sentence = if blamed.is_empty() {
        "No category alone is shown to be worse on the canary.".to_owned()
    } else {
        format!("Worse on the canary: {}.", blamed.join(", "))
    };
    let height = ROW * reason.categories.len() as f64;
    html! {
        figure class="card" {
            figcaption {
                h3 id="categories-title" { "How requests failed" }
                p class="why" id="categories-says" { (sentence) " Since the harm began." }
            }
            (view::legend())
            svg class="chart" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="categories-title" aria-describedby="categories-says" focusable="false" {
                @for (index, one) in reason.categories.iter().enumerate() { (bars(one, of(one), highest, index)) }
            }
            (numbers(reason))
        }
    }
}

fn bars(one: &CategoryFailures, shares: [f64; 2], highest: f64, index: usize) -> Markup {
    let top = ROW * index as f64;
    let counts = [one.baseline, one.canary];
    let mark = if one.at_fault { " ✗ worse on the canary" } else { "" };
    html! {
        text class="strong" x="2" y=(top + 12.0) { (words::category(&one.category)) (mark) }
        @for (row, (share, (count, class))) in shares.into_iter().zip(counts.into_iter().zip(["baseline", "canary"])).enumerate() {
            @let y = top + 17.0 + row as f64 * 14.0;
            @let width = (share / highest * BAR).round().max(if count > 0 { 1.0 } else { 0.0 });
            rect class=(format!("bar {class}")) x="16" y=(y) width=(width) height="11" {}
            text x="2" y=(y + 9.0) { (if row == 0 { "B" } else { "C" }) }
            text x=(width + 21.0) y=(y + 9.0) { (words::percent(share)) " (" (words::count(count)) ")" }
        }
    }
}

fn numbers(reason: &Reason) -> Markup {
    html! {
        details id="categories-numbers" {
            summary { "The numbers" span class="hidden" { " of failures by category" } }
            div class="scroll" tabindex="0" role="region" aria-label="The numbers: failures by category" {
                table {
                    thead { tr { @for head in ["Category", "Baseline", "Canary", "Odds that it is worse", "At fault"] { th scope="col" { (head) } } } }
                    tbody {
                        @for one in &reason.categories {
                            tr {
                                th scope="row" { (words::category(&one.category)) }
                                td { (words::count(one.baseline)) " of " (words::count(reason.baseline_requests)) }
                                td { (words::count(one.canary)) " of " (words::count(reason.canary_requests)) }
                                td { (words::odds(one.log_evidence)) }
                                td { (if one.at_fault { "yes" } else { "no" }) }
                            }
                        }
                    }
                }
            }
        }
    }
}

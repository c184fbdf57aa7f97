//! The graph as a drawing: what needs others stands left of what it needs.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::edges::{Edge, Kind};
use crate::text;

/// Components that are drawn; the list below tells of all.
const DRAWN: usize = 60;
const WIDE: usize = 150;
const HIGH: usize = 36;
const GAP_X: usize = 60;
const GAP_Y: usize = 16;
const CHARACTERS: usize = 19;

/// The drawing, and what its lines mean.
pub(super) fn drawing(rollout: &api::Rollout, edges: &[Edge]) -> Markup {
    let places = places(edges);
    let columns = places.values().map(|place| place.0).max().unwrap_or_default() + 1;
    let rows = places.values().map(|place| place.1).max().unwrap_or_default() + 1;
    let (width, height) = (columns * (WIDE + GAP_X) - GAP_X + 4, rows * (HIGH + GAP_Y) - GAP_Y + 4);
    let at = |name: &str| {
        places.get(name).map(|(column, row)| (column * (WIDE + GAP_X) + 2, row * (HIGH + GAP_Y) + 2))
    };
    html! {
        ul class="legend" {
            @for kind in [Kind::Declared, Kind::Taken, Kind::Observed] { li { (kind.sign()) " " (kind.word()) } }
            li { "red: on the baseline" } li { "dashed box: another service" }
        }
        div class="scroll" tabindex="0" role="region" aria-label="The graph as a drawing" {
            svg class="chart graph" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img" aria-label="What needs what. The same follows in words." focusable="false" {
                @for edge in edges {
                    @if let (Some(from), Some(to)) = (at(&edge.from), at(&edge.to)) { path class=(edge.kind.class()) d=(curve(from, to)) {} }
                }
                @for name in places.keys() { @if let Some(place) = at(name) { (node(rollout, name, place)) } }
            }
        }
        @if names(edges).len() > places.len() { p class="why" { "The first " (places.len()) " are drawn." } }
    }
}

fn names(edges: &[Edge]) -> BTreeSet<&str> {
    edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]).collect()
}

/// Column and row of each: a component stands right of all that need it. What leads back does not count.
fn places(edges: &[Edge]) -> BTreeMap<&str, (usize, usize)> {
    let drawn: BTreeSet<&str> = names(edges).into_iter().take(DRAWN).collect();
    let mut columns: BTreeMap<&str, usize> = drawn.iter().map(|name| (*name, 0)).collect();
    for _ in 0..drawn.len().min(12) {
        for edge in edges.iter().filter(|edge| edge.from != edge.to) {
            let Some(from) = columns.get(edge.from.as_str()).copied() else { continue };
            if let Some(to) = columns.get_mut(edge.to.as_str())
                && *to <= from
                && from < 11
            {
                *to = from + 1;
            }
        }
    }
    let mut filled: BTreeMap<usize, usize> = BTreeMap::new();
    let place = |column: &usize| {
        let row = filled.entry(*column).or_default();
        *row += 1;
        (*column, *row - 1)
    };
    let placed: Vec<(usize, usize)> = columns.values().map(place).collect();
    columns.into_keys().zip(placed).collect()
}

fn curve(from: (usize, usize), to: (usize, usize)) -> String {
    let (start, end) = ((from.0 + WIDE, from.1 + HIGH / 2), (to.0, to.1 + HIGH / 2));
    if from.0 >= to.0 {
        // Within a column or back: around the right side.
        let (right, side) = (from.0.max(to.0) + WIDE + GAP_X / 2, to.0 + WIDE);
        return format!("M{} {}C{right} {} {right} {} {side} {}", start.0, start.1, start.1, end.1, end.1);
    }
    let middle = usize::midpoint(start.0, end.0);
    format!("M{} {}C{middle} {} {middle} {} {} {}", start.0, start.1, start.1, end.1, end.0, end.1)
}

fn node(rollout: &api::Rollout, name: &str, (x, y): (usize, usize)) -> Markup {
    let is_returned = rollout.components.iter().any(|one| one.name == name && one.rolled_back);
    let class = match (is_returned, name.contains('/')) {
        (true, _) => "node returned",
        (false, true) => "node foreign",
        (false, false) => "node",
    };
    let shown = text::plain(name);
    let short: String = if shown.chars().count() > CHARACTERS {
        shown.chars().take(CHARACTERS - 1).chain(['…']).collect()
    } else {
        shown.into_owned()
    };
    html! {
        g class=(class) {
            rect x=(x) y=(y) width=(WIDE) height=(HIGH) rx="8" {}
            text x=(x + WIDE / 2) y=(y + HIGH / 2 + 4) text-anchor="middle" { (short) }
        }
    }
}

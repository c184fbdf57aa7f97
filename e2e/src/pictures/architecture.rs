//! The picture of the crates: which there are by the code map of ARCHITECTURE.md, and which uses which by their manifests.
//!
//! Each crate stands above all that it uses. An edge is drawn only where no longer way says the same, so what is seen is the least that
//! explains the order. The same map and manifests give the same picture, byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const WIDTH: usize = 1_320;
const BOX: (usize, usize) = (158, 50);
const ROW: usize = 118;
const TOP: usize = 96;
/// Letters of a line within a box.
const LINE: usize = 28;

/// Light and dark, as the reader's system says. Blue, orange and green of Okabe and Ito, which everybody tells apart; words say the same.
const STYLE: &str = "\
svg { background: #ffffff; font-family: system-ui, sans-serif }
text { fill: #1f2328 } .small { font-size: 10.5px; fill: #57606a } .name { font-size: 13px; font-weight: 600 }
.title { font-size: 18px; font-weight: 600 }
rect { stroke-width: 1.5; rx: 6px } path { fill: none; stroke: #8c959f; stroke-width: 1.3 }
.pure rect { fill: #e6f2fa; stroke: #0072b2 } .shell rect { fill: #fdf3dc; stroke: #b97d00 } .envoy rect { fill: #dff5ee; stroke: #009e73 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 } text { fill: #e6edf3 } .small { fill: #9198a1 } path { stroke: #6e7681 }
.pure rect { fill: #0c2d48; stroke: #56b4e9 } .shell rect { fill: #3a2a06; stroke: #e69f00 } .envoy rect { fill: #06332a; stroke: #2bc79a }
}";

/// A crate of the code map.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Crate {
    /// Its folder, as the code map writes it.
    folder: String,
    /// Its name.
    name: String,
    /// What it is, as the code map says.
    about: String,
}

/// Names of crates that a crate uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The picture of the repository at `root`, as SVG.
///
/// # Errors
/// When the code map or the manifest of a crate cannot be read.
pub fn picture(root: &Path) -> Result<String> {
    let read =
        |path: &str| fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"));
    let crates = crates(&read("ARCHITECTURE.md")?);
    ensure!(!crates.is_empty(), "ARCHITECTURE.md has no code map");
    let mut used = Uses::new();
    for one in &crates {
        used.insert(one.name.clone(), uses(&crates, &read(&format!("{}Cargo.toml", one.folder))?));
    }
    Ok(draw(&crates, &used))
}

/// The crates of the code map in the text of ARCHITECTURE.md.
fn crates(page: &str) -> Vec<Crate> {
    let map = page.split("## Code map").nth(1).unwrap_or_default();
    let map = map.split("\n## ").next().unwrap_or_default();
    let rows = map.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let (folder, name, about) = (cells.next()?, cells.next()?, cells.next()?);
        let name = name.trim_matches('`');
        let of = |text: &str| text.trim_matches('`').to_owned();
        (!name.is_empty()).then(|| Crate {
            folder: of(folder),
            name: name.to_owned(),
            about: about.to_owned(),
        })
    })
    .collect()
}

/// Those of `crates` that a manifest names as dependencies, without those of tests.
fn uses(crates: &[Crate], manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names: BTreeSet<&str> =
        section.lines().filter_map(|line| line.split(['=', '.', ' ']).next()).collect();
    crates.iter().map(|one| one.name.clone()).filter(|name| names.contains(name.as_str())).collect()
}

/// The picture as SVG.
fn draw(crates: &[Crate], uses: &Uses) -> String {
    let ways = ways(crates, uses);
    let rows = rows(crates, uses, &ways);
    let places = places(&rows);
    let height = TOP + ROW * rows.len() - (ROW - BOX.1) + 24;
    let mut svg = String::new();
    let label = "The crates of Serin, each above those that it uses";
    _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n\
         <style>\n{STYLE}\n</style>\n<text class=\"title\" x=\"24\" y=\"34\">{label}</text>\n"
    );
    legend(&mut svg);
    for way in &ways {
        line(&mut svg, way, &places);
    }
    for one in crates {
        if let Some(place) = places.get(&one.name) {
            card(&mut svg, one, *place);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// What a crate may touch, as a class of style.
fn class(one: &Crate) -> &'static str {
    if one.folder.starts_with("filter") && !one.about.starts_with("pure") {
        "envoy"
    } else if one.about.starts_with("pure") || one.folder == "proto/" {
        "pure"
    } else {
        "shell"
    }
}

fn legend(svg: &mut String) {
    let kinds = [
        ("envoy", "inside Envoy, as WASM"),
        ("pure", "pure: takes the time, touches nothing"),
        ("shell", "touches sockets, files and clocks"),
    ];
    for (index, (class, words)) in kinds.iter().enumerate() {
        let x = 24 + index * 280;
        _ = writeln!(
            svg,
            "<g class=\"{class}\"><rect x=\"{x}\" y=\"52\" width=\"22\" height=\"16\"/><text class=\"small\" x=\"{}\" y=\"64\">{words}</text></g>",
            x + 30
        );
    }
}

/// How many crates lie below each, on the longest way.
fn depths(crates: &[Crate], uses: &Uses) -> BTreeMap<String, usize> {
    let mut depths: BTreeMap<String, usize> = crates.iter().map(|one| (one.name.clone(), 0)).collect();
    // As often as there are crates: no way is longer.
    for _ in crates {
        for (name, used) in uses {
            let below = used.iter().filter_map(|one| depths.get(one)).map(|depth| depth + 1).max();
            if let (Some(depth), Some(below)) = (depths.get_mut(name), below) {
                *depth = below.min(crates.len());
            }
        }
    }
    depths
}

/// Edges from their upper end to their lower one, with a stop in each row that they pass: room is kept there, and no box covers them.
fn ways(crates: &[Crate], uses: &Uses) -> Vec<Vec<String>> {
    let depths = depths(crates, uses);
    let depth = |name: &String| depths.get(name).copied().unwrap_or_default();
    let way = |(from, to): (String, String)| {
        let passed = (depth(&to) + 1..depth(&from)).rev().map(|row| format!("{from} {to} {row}"));
        std::iter::once(from.clone()).chain(passed.collect::<Vec<_>>()).chain([to.clone()]).collect()
    };
    shown(uses).into_iter().map(way).collect()
}

/// Rows from the top, each in an order that keeps edges short. Stops of edges have a blank in their name.
fn rows(crates: &[Crate], uses: &Uses, ways: &[Vec<String>]) -> Vec<Vec<String>> {
    let depths = depths(crates, uses);
    let deepest = depths.values().copied().max().unwrap_or_default();
    let mut rows: Vec<Vec<String>> = vec![Vec::new(); deepest + 1];
    let mut put =
        |row: usize, name: &String| rows.get_mut(row).into_iter().for_each(|row| row.push(name.clone()));
    crates
        .iter()
        .for_each(|one| put(deepest - depths.get(&one.name).copied().unwrap_or_default(), &one.name));
    for way in ways {
        let top = deepest - way.first().and_then(|name| depths.get(name)).copied().unwrap_or_default();
        let stops = way.iter().enumerate().filter(|(_, name)| name.contains(' '));
        stops.for_each(|(at, name)| put(top + at, name));
    }
    let pairs = ways.iter().flat_map(|way| way.iter().zip(way.iter().skip(1)));
    let pairs: Vec<(String, String)> = pairs.map(|(from, to)| (from.clone(), to.clone())).collect();
    for _ in 0..8 {
        settle(&mut rows, &pairs, false);
        settle(&mut rows, &pairs, true);
    }
    rows
}

/// Orders each row by where what it is joined with stands, in the row below or above.
fn settle(rows: &mut [Vec<String>], pairs: &[(String, String)], below: bool) {
    for index in 0..rows.len() {
        let places = places(rows);
        let x = |name: &String| places.get(name).map_or(0, |(x, _)| *x);
        let middle = |name: &String| {
            let near = pairs.iter().filter_map(|(from, to)| match below {
                true => (from == name).then(|| x(to)),
                false => (to == name).then(|| x(from)),
            });
            let near: Vec<usize> = near.collect();
            near.iter().sum::<usize>().checked_div(near.len()).unwrap_or_else(|| x(name))
        };
        if let Some(row) = rows.get_mut(index) {
            row.sort_by_key(middle);
        }
    }
}

/// Middle of the upper edge of each box and stop.
fn places(rows: &[Vec<String>]) -> BTreeMap<String, (usize, usize)> {
    let part = |name: &String| if name.contains(' ') { 1 } else { 6 };
    let mut places = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let parts: usize = row.iter().map(part).sum();
        let mut before = 0;
        for name in row {
            let x = (2 * before + part(name)) * WIDTH / (2 * parts.max(1));
            before += part(name);
            places.insert(name.clone(), (x, TOP + ROW * index));
        }
    }
    places
}

/// Edges that no longer way implies.
fn shown(uses: &Uses) -> Vec<(String, String)> {
    let reaches = |from: &str, to: &str| {
        let (mut open, mut seen) = (vec![from.to_owned()], BTreeSet::new());
        while let Some(one) = open.pop() {
            if one == to {
                return true;
            }
            if seen.insert(one.clone()) {
                open.extend(uses.get(&one).into_iter().flatten().cloned());
            }
        }
        false
    };
    let edges = uses.iter().flat_map(|(from, used)| used.iter().map(move |to| (from.clone(), to.clone())));
    let implied = |from: &String, to: &String| {
        uses.get(from).into_iter().flatten().any(|other| other != to && reaches(other, to))
    };
    edges.filter(|(from, to)| !implied(from, to)).collect()
}

fn line(svg: &mut String, way: &[String], places: &BTreeMap<String, (usize, usize)>) {
    let mut points = way.iter().filter_map(|name| places.get(name));
    let Some((x, y)) = points.next() else { return };
    let (mut from_x, mut from_y) = (*x, y + BOX.1);
    _ = write!(svg, "<path d=\"M{from_x} {from_y}");
    for (x, y) in points {
        let bend = y.saturating_sub(from_y) / 2;
        // A stop is passed straight, as far as a box is high.
        _ = write!(svg, " C{from_x} {}, {x} {}, {x} {y} V{}", from_y + bend, y - bend, y + BOX.1);
        (from_x, from_y) = (*x, y + BOX.1);
    }
    svg.push_str("\"/>\n");
}

fn card(svg: &mut String, one: &Crate, (x, y): (usize, usize)) {
    let left = x.saturating_sub(BOX.0 / 2);
    _ = writeln!(
        svg,
        "<g class=\"{}\"><title>{}</title><rect x=\"{left}\" y=\"{y}\" width=\"{}\" height=\"{}\"/>\
         <text class=\"name\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>\
         <text class=\"small\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text></g>",
        class(one),
        escaped(&one.name),
        BOX.0,
        BOX.1,
        y + 22,
        escaped(&one.name),
        y + 39,
        escaped(&shortened(&one.folder))
    );
}

fn shortened(text: &str) -> String {
    text.chars().take(LINE).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[(&str, &str)]) -> Uses {
        let mut uses = Uses::new();
        for (from, to) in edges {
            uses.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        uses
    }

    #[test]
    fn an_edge_that_a_longer_way_implies_is_left_out() {
        let uses = of(&[("shell", "core"), ("core", "proto"), ("shell", "proto")]);
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(shown(&uses), [pair("core", "proto"), pair("shell", "core")]);
    }

    #[test]
    fn a_crate_stands_above_all_that_it_uses_and_edges_pass_rows_at_stops() {
        let page = "## Code map\n\n| folder | crate | what |\n|---|---|---|\n| `a/` | `a` | shell |\n| `b/` | `b` | pure |\n\
                    | `c/` | `c` | pure |\n| `d/` | | no crate |\n\n## Next\n";
        let crates = crates(page);
        assert_eq!(crates.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let uses = of(&[("a", "b"), ("b", "c"), ("d", "c")]);
        let ways = ways(&crates, &uses);
        let rows = rows(&crates, &uses, &ways);
        assert_eq!(rows, [["a"], ["b"], ["c"]]);
        assert!(ways.iter().all(|way| way.len() >= 2));
    }

    #[test]
    fn manifests_are_read_without_dependencies_of_tests() {
        let crates = crates("## Code map\n| `a/` | `serin-a` | pure |\n| `b/` | `serin-b` | pure |\n");
        let manifest = "[package]\n\n[dependencies]\nserin-a.workspace = true\nserde = \"1\"\n\n[dev-dependencies]\nserin-b.workspace = true\n";
        assert_eq!(uses(&crates, manifest), BTreeSet::from(["serin-a".to_owned()]));
    }
}

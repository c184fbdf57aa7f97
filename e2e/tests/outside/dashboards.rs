//! The dashboards that are shipped, as data: what they ask of Prometheus, and whether they can be read.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use serin_e2e::workspace::Workspace;

/// What stands for the time between two points of a panel, and for what is chosen above it.
const SUBSTITUTED: [(&str, &str); 4] =
    [("$__rate_interval", "10s"), ("$__interval", "10s"), ("$service", "shop"), ("$component", ".*")];
/// Columns of the grid of a dashboard.
const COLUMNS: u64 = 24;

/// A dashboard.
pub(super) struct Dashboard {
    /// Name of its file.
    pub(super) file: String,
    json: Value,
}

/// What a panel asks.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Query {
    /// Where it stands.
    pub(super) place: String,
    /// With variables substituted.
    pub(super) expression: String,
    /// At one moment, and not over the time that is shown.
    pub(super) instant: bool,
}

/// All of them.
pub(super) fn dashboards() -> Vec<Dashboard> {
    let folder = Workspace::locate().unwrap().root().join("envoy/grafana");
    let mut all: Vec<Dashboard> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| Dashboard {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
        })
        .collect();
    all.sort_by(|one, other| one.file.cmp(&other.file));
    assert_eq!(all.len(), 4, "four dashboards are shipped");
    all
}

fn substituted(expression: &str) -> String {
    let substitute = |text: String, (name, value): &(&str, &str)| text.replace(name, value);
    let expression = SUBSTITUTED.iter().fold(expression.to_owned(), substitute);
    assert!(!expression.contains('$'), "{expression} has a variable that is not known");
    expression
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Dashboard {
    /// Panels that show something, in order; rows are left out.
    pub(super) fn panels(&self) -> impl Iterator<Item = &Value> {
        self.json["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
    }

    /// What its panels and its marks on the time axis ask.
    pub(super) fn queries(&self) -> Vec<Query> {
        let of_panel = |panel: &Value| {
            let place = format!("{}, {}", self.file, text(&panel["title"]));
            let targets =
                panel["targets"].as_array().unwrap_or_else(|| panic!("{place} asks nothing")).clone();
            targets.into_iter().map(move |target| Query {
                place: place.clone(),
                expression: substituted(text(&target["expr"])),
                instant: target["instant"] == true,
            })
        };
        let marks = self.json["annotations"]["list"].as_array().unwrap().iter().map(|one| Query {
            place: format!("{}, marks of {}", self.file, text(&one["name"])),
            expression: substituted(text(&one["expr"])),
            instant: false,
        });
        self.panels().flat_map(of_panel).chain(marks).collect()
    }

    /// What its variables offer: a selector and the label whose values are listed.
    pub(super) fn choices(&self) -> Vec<(String, String)> {
        let variables = self.json["templating"]["list"].as_array().unwrap().iter();
        let of_queries = variables.filter(|variable| variable["type"] == "query");
        let choice = |variable: &Value| {
            let query = text(&variable["query"]["query"]).to_owned();
            let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inside.and_then(|inside| inside.rsplit_once(", ")).unwrap();
            (substituted(selector), label.to_owned())
        };
        of_queries.map(choice).collect()
    }
}

/// Names of metrics in an expression.
pub(super) fn metrics(expression: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let words = expression.split(|letter| !is_name(letter)).map(str::to_owned);
    words.filter(|word| word.starts_with("serin_")).collect()
}

#[test]
fn every_panel_has_its_own_number_and_place_and_overlaps_no_other() {
    for dashboard in dashboards() {
        let (mut numbers, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard.json["panels"].as_array().unwrap() {
            let place = format!("{}, {}", dashboard.file, text(&panel["title"]));
            assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{place}: its number is taken");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| panel["gridPos"][name].as_u64().unwrap());
            assert!(w > 0 && h > 0 && x + w <= COLUMNS, "{place}: it does not lie within the grid");
            for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |row| (column, row))) {
                assert!(taken.insert(cell), "{place}: it overlaps another one");
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_it_shows_without_data() {
    for dashboard in dashboards() {
        assert!(!text(&dashboard.json["description"]).is_empty(), "{}", dashboard.file);
        for panel in dashboard.panels() {
            let place = format!("{}, {}", dashboard.file, text(&panel["title"]));
            assert!(!text(&panel["title"]).is_empty(), "{place}: no title");
            assert!(!text(&panel["description"]).is_empty(), "{place}: no description");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(!text(&defaults["unit"]).is_empty(), "{place}: no unit");
            assert!(!text(&defaults["noValue"]).is_empty(), "{place}: no words for no data");
        }
        assert!(dashboard.queries().iter().all(|query| !query.expression.is_empty()), "{}", dashboard.file);
    }
}

#[test]
fn every_panel_asks_the_data_source_that_is_chosen_above() {
    for dashboard in dashboards() {
        let first = &dashboard.json["templating"]["list"][0];
        assert_eq!((text(&first["name"]), text(&first["type"])), ("datasource", "datasource"));
        let mut values = vec![&dashboard.json];
        while let Some(value) = values.pop() {
            if let Some(source) = value.get("datasource").filter(|source| source.is_object()) {
                assert_eq!(text(&source["uid"]), "${datasource}", "{}", dashboard.file);
            }
            values.extend(value.as_object().into_iter().flat_map(|fields| fields.values()));
            values.extend(value.as_array().into_iter().flatten());
        }
    }
}

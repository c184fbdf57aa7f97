//! What is published for people and programs is what the code does: schemas, links and samples of the docs, Istio
//! manifests.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serin_e2e::envoy;
use serin_e2e::workspace::Workspace;
use serin_rollout::Plan;
use serin_rollout::train::TrainPlan;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a published schema with what the code gives.
fn published(name: &str, value: &Value) {
    published_text(name, &format!("{}\n", serde_json::to_string_pretty(value).unwrap()));
}

/// Compares a published file with what the code gives; `SERIN_PUBLISH=1` writes it instead.
fn published_text(name: &str, text: &str) {
    let path = Workspace::locate().unwrap().root().join("docs").join(name);
    if std::env::var_os("SERIN_PUBLISH").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    assert!(
        read(&path) == text,
        "docs/{name} is old: run `SERIN_PUBLISH=1 cargo test -p serin-e2e --test published`"
    );
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    published("assignment.schema.json", &serin_proto::assignment::json_schema());
    published("trace.schema.json", &serin_trace::json_schema());
    published("plan.schema.json", &serin_rollout::plan::json_schema());
    published("train.schema.json", &serin_rollout::train::json_schema());
    published("release.schema.json", &serin_registry::json_schema());
}

#[test]
fn the_picture_of_the_crates_is_drawn_from_the_code_map_and_the_manifests() {
    let root = Workspace::locate().unwrap().root().to_owned();
    published_text("pictures/architecture.svg", &serin_e2e::pictures::architecture::picture(&root).unwrap());
}

/// Where a word of the glossary is explained at length.
const EXPLAINED: [(&str, &str); 29] = [
    ("artifact", "registry.md"),
    ("audit log", "audit.md"),
    ("block", "switch-a-block.md"),
    ("break-glass", "emergency.md"),
    ("bundle", "evidence.md"),
    ("call", "send-traces.md"),
    ("category", "read-a-verdict.md"),
    ("component", "tag-routes.md"),
    ("evidence", "evidence.md"),
    ("experiment", "experiments.md"),
    ("granularity", "undo-less.md"),
    ("health check", "health-checks.md"),
    ("hook", "hooks.md"),
    ("incident", "notifications.md"),
    ("migration", "schema-changes.md"),
    ("notification", "notifications.md"),
    ("page view", "behaviour.md"),
    ("plan", "write-a-plan.md"),
    ("policy", "policies.md"),
    ("query", "triggers.md"),
    ("release", "registry.md"),
    ("rollback window", "write-a-plan.md#the-rollback-window"),
    ("series", "send-metrics.md"),
    ("stage", "operate.md#after-a-rollback-was-decided"),
    ("template", "logs.md"),
    ("train", "trains.md"),
    ("trigger", "triggers.md"),
    ("verdict", "read-a-verdict.md"),
    ("window of time", "write-a-plan.md#windows-of-time"),
];

/// The glossary for users: the words of ARCHITECTURE.md in the order of the alphabet, with links.
fn glossary(architecture: &str) -> String {
    let words = architecture.split("\n## Words\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = words.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut rows: Vec<(&str, &str)> =
        rows.filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | ")).collect();
    rows.sort_unstable_by_key(|(word, _)| word.to_lowercase());
    let mut page = "# Glossary\n\nOne word stands for one idea, in plans, commands, metrics and pages. This page is made from the words of\n\
                    [ARCHITECTURE.md](../ARCHITECTURE.md#words) by `SERIN_PUBLISH=1 cargo test -p serin-e2e --test published`. Coming from \
                    other\ntools? See [their words and ours](faq.md).\n\n| word | meaning |\n|---|---|\n"
        .to_owned();
    let mut linked = 0;
    for (index, (word, meaning)) in rows.iter().enumerate() {
        assert!(index == 0 || rows[index - 1].0 != *word, "{word} has two meanings");
        let explained = EXPLAINED.iter().find(|(name, _)| name == word);
        linked += usize::from(explained.is_some());
        let shown = explained.map_or_else(|| (*word).to_owned(), |(_, page)| format!("[{word}]({page})"));
        page.push_str(&format!("| {shown} | {meaning} |\n"));
    }
    assert_eq!(linked, EXPLAINED.len(), "a word that is linked is not among the words");
    page
}

#[test]
fn the_glossary_says_what_the_words_of_the_architecture_say() {
    let root = Workspace::locate().unwrap().root().to_owned();
    published_text("glossary.md", &glossary(&read(&root.join("ARCHITECTURE.md"))));
}

/// Where messages are written that users meet.
const MESSAGES: [&str; 15] = [
    "proto/src/assignment/error.rs",
    "control-plane/policy/src/error.rs",
    "control-plane/rollout/src/emergency.rs",
    "control-plane/rollout/src/input/refused.rs",
    "control-plane/rollout/src/plan/error.rs",
    "control-plane/src/access.rs",
    "control-plane/src/config.rs",
    "control-plane/src/listener.rs",
    "control-plane/src/rollouts.rs",
    "control-plane/src/rollouts/trains.rs",
    "control-plane/src/server/error.rs",
    "control-plane/src/store.rs",
    "control-plane/src/store/versions.rs",
    "control-plane/src/train_key.rs",
    "control-plane/cli/src/failure.rs",
];

/// The messages of the errors in a source, without those that only hand on what another one says.
fn messages(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let literal = |rest: &str| {
        let mut text = String::new();
        let mut letters = rest.trim_start().strip_prefix('"')?.chars().peekable();
        loop {
            match letters.next()? {
                '"' => return Some(text),
                '\\' if letters.peek() == Some(&'\n') => {
                    while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
                }
                '\\' => text.extend(letters.next()),
                letter => text.push(letter),
            }
        }
    };
    let all = source.split("#[error(").skip(1).filter_map(literal);
    all.filter(|text| !["{0}", "{message}", "assignment: {}{rule}"].contains(&text.as_str())).collect()
}

#[test]
fn every_error_is_in_the_catalogue_and_no_other() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let page = read(&root.join("docs/errors.md"));
    let messages: Vec<String> = MESSAGES.iter().flat_map(|path| messages(&read(&root.join(path)))).collect();
    assert!(messages.len() > 100, "only {} messages are found", messages.len());
    let rows = page.split("## gRPC status").next().unwrap();
    let rows = rows.lines().filter(|line| line.starts_with("| `"));
    let mut listed = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{row}");
        assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "{row}: why, or what next?");
        listed.push(cells[0].trim().trim_matches('`').trim().to_owned());
    }
    for message in &messages {
        assert!(listed.contains(message), "docs/errors.md does not list: {message}");
    }
    for message in &listed {
        assert!(messages.contains(message), "docs/errors.md lists what nothing says: {message}");
    }
    for line in
        read(&root.join("control-plane/cli/src/failure.rs")).lines().filter(|line| line.starts_with("  "))
    {
        let code = line.trim().trim_end_matches("\";").split_once("  ");
        if let Some((code, says)) = code.filter(|(code, _)| code.parse::<u8>().is_ok()) {
            assert!(page.contains(&format!("| {code} | {} |", says.trim())), "exit code {code} says: {says}");
        }
    }
}

#[test]
fn every_grpc_status_that_the_control_plane_gives_is_in_the_catalogue() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let page = read(&root.join("docs/errors.md"));
    let (mut folders, mut found) = (vec![root.join("control-plane/src")], std::collections::BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let text = read(&entry);
                let names = text.split("Status::").skip(1).filter_map(|rest| rest.split_once('('));
                found.extend(names.map(|(name, _)| name.to_uppercase()));
            }
        }
    }
    let statuses = [
        "INVALID_ARGUMENT",
        "FAILED_PRECONDITION",
        "ALREADY_EXISTS",
        "NOT_FOUND",
        "RESOURCE_EXHAUSTED",
        "ABORTED",
        "UNAVAILABLE",
        "INTERNAL",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "DATA_LOSS",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "OUT_OF_RANGE",
    ];
    for status in statuses {
        let is_listed = page.contains(&format!("| `{status}` |"));
        assert_eq!(is_listed, found.contains(status), "{status}: given and listed must agree");
    }
}

fn pages(root: &Path) -> Vec<PathBuf> {
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name));
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).chain(top).collect()
}

#[test]
fn every_link_in_the_docs_leads_somewhere() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let mut links = 0;
    for page in pages(&root) {
        let text = read(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || target.starts_with("http") {
                continue;
            }
            let path = page.parent().unwrap().join(file);
            assert!(path.exists(), "{}: {target} leads nowhere", page.display());
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links were found");
}

#[test]
fn every_train_in_the_docs_is_accepted() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let text = read(&root.join("docs/trains.md"));
    let trains = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    for train in trains.filter(|block| block.starts_with("kind: train")) {
        let names = TrainPlan::files_of(train).unwrap();
        let service = |name: &String| name.strip_suffix(".yaml").unwrap().to_owned();
        let plan = |name: &String| format!("service: {}\nbaseline: v1\ncanary: v2\n", service(name));
        let files = names.iter().map(|name| (name.clone(), plan(name))).collect();
        let parsed = TrainPlan::parse(train, &files).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(parsed.members().len() > 1);
    }
}

#[test]
fn every_plan_in_the_docs_is_accepted() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let mut plans = 0;
    for page in pages(&root) {
        let text = read(&page);
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for block in blocks {
            let whole = if block.starts_with("components:") {
                format!("service: shop\nbaseline: v1\ncanary: v2\n{block}")
            } else {
                block.to_owned()
            };
            if whole.starts_with("service:") {
                Plan::parse(&whole).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
                plans += 1;
            }
        }
    }
    assert!(plans >= 2, "only {plans} plans were found");
}

/// The values of the patches of an EnvoyFilter, by what they apply to.
fn patch<'a>(filter: &'a Value, applies_to: &str) -> &'a Value {
    let patches = filter["spec"]["configPatches"].as_array().unwrap();
    let patch = patches.iter().find(|patch| patch["applyTo"] == applies_to);
    &patch.unwrap_or_else(|| panic!("no patch of {applies_to}"))["patch"]["value"]
}

#[test]
fn the_istio_manifest_gives_envoy_what_the_bootstrap_does() {
    let workspace = Workspace::locate().unwrap();
    let folder = workspace.root().join("envoy");
    let istio: Value = serde_saphyr::from_str(&read(&folder.join("istio/envoyfilter.yaml"))).unwrap();
    let mut bootstrap: Value = serde_saphyr::from_str(&read(&folder.join("bootstrap.yaml"))).unwrap();

    let resources = &mut bootstrap["static_resources"];
    let manager = &mut resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let serin = patch(&istio, "HTTP_FILTER");
    assert_eq!(&manager["http_filters"][0], serin);
    manager["http_filters"][0] = serin.clone();
    let early = &patch(&istio, "NETWORK_FILTER")["typed_config"]["early_header_mutation_extensions"];
    assert_eq!(&manager["early_header_mutation_extensions"], early);

    let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
    let mut of_istio = patch(&istio, "HTTP_ROUTE").clone();
    of_istio["route"]["cluster"] = route["route"]["cluster"].clone();
    assert_eq!(*route, of_istio);
    *route = of_istio;

    let clusters = resources["clusters"].as_array_mut().unwrap();
    let cluster = clusters.iter_mut().find(|cluster| cluster["name"] == "serin_control_plane").unwrap();
    let mut of_istio = patch(&istio, "CLUSTER").clone();
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    assert_eq!(
        of_istio.pointer(endpoint).unwrap()["port_value"],
        cluster.pointer(endpoint).unwrap()["port_value"]
    );
    *of_istio.pointer_mut(endpoint).unwrap() = cluster.pointer(endpoint).unwrap().clone();
    assert_eq!(*cluster, of_istio);
    *cluster = of_istio;

    let file = workspace.scratch("istio").unwrap().join("bootstrap.json");
    fs::write(&file, bootstrap.to_string()).unwrap();
    let output = std::process::Command::new(envoy::binary::locate(&workspace).unwrap())
        .args(["--mode", "validate", "-c"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

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

/// Compares a published file with what the code gives; `SERIN_PUBLISH=1` writes it instead.
fn published(name: &str, value: &Value) {
    let path = Workspace::locate().unwrap().root().join("docs").join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(value).unwrap());
    if std::env::var_os("SERIN_PUBLISH").is_some() {
        fs::write(&path, &text).unwrap();
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

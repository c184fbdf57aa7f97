use serin_proto::assignment::raw;

use super::*;

fn published(generation: u64, names: &[&str]) -> Published {
    let service = |name: &&str| raw::Service {
        name: (*name).to_owned(),
        hosts: vec![format!("{name}.example.com")],
        rollout: None,
        salt: "0".repeat(32),
        split: Vec::new(),
        identity: raw::Identity::default(),
        rules: Vec::new(),
        components: Vec::new(),
        train: None,
        train_key: None,
        behaviour: false,
    };
    let report = raw::Report {
        cluster: "c".to_owned(),
        interval_ms: 1_000,
        host_sample: 0,
        route_metadata: false,
        token: None,
    };
    Published { generation, report, services: names.iter().map(service).collect() }
}

fn resources() -> Resources {
    Resources::new(Filter { path: "/f.wasm".to_owned(), version: "1".to_owned() })
}

#[test]
fn only_our_names_are_resources() {
    let (resources, published) = (resources(), published(1, &["a"]));
    for (name, is_resource) in [
        ("serin", true),
        ("serin/a", true),
        ("serin/b", true),
        ("serin/", false),
        ("", false),
        ("other", false),
    ] {
        assert_eq!(resources.render(name, &published).is_some(), is_resource, "{name:?}");
    }
}

#[test]
fn a_version_names_the_generation_and_the_content() {
    let resources = resources();
    let version =
        |published: &Published, name: &str| resources.render(name, published).unwrap().version.clone();
    let first = version(&published(7, &["a", "b"]), "serin");
    assert!(first.starts_with("7-") && first.len() == 10, "{first}");
    assert_eq!(first, version(&published(7, &["a", "b"]), "serin"));
    assert_ne!(first, version(&published(7, &["a", "b"]), "serin/a"));
    assert_ne!(first, version(&published(8, &["a", "b"]), "serin"));
}

#[test]
fn a_request_may_be_held_back_only_where_a_service_takes_beacons() {
    let stops = |published: &Published, name: &str| {
        let resource = resources().render(name, published).unwrap();
        let typed = TypedExtensionConfig::decode(&resource.any.value[..]).unwrap();
        let wasm = Wasm::decode(&typed.typed_config.unwrap().value[..]).unwrap();
        wasm.config.unwrap().allow_on_headers_stop_iteration
    };
    let mut published = published(1, &["a", "b"]);
    assert_eq!(stops(&published, "serin"), None);
    published.services[0].behaviour = true;
    assert_eq!(stops(&published, "serin"), Some(BoolValue { value: true }));
    assert_eq!(stops(&published, "serin/a"), Some(BoolValue { value: true }));
    assert_eq!(stops(&published, "serin/b"), None);
}

#[test]
fn the_memory_for_rendered_resources_is_bounded() {
    let (resources, published) = (resources(), published(1, &["a"]));
    for index in 0..KEPT_MAX + 10 {
        assert!(resources.render(&format!("serin/{index}"), &published).is_some());
    }
    assert_eq!(resources.kept.lock().unwrap().by_name.len(), KEPT_MAX);
}

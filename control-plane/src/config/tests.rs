use std::path::Path;

use super::*;

const EVERYTHING: &str = "
data: /var/lib/serin
listeners:
  fleet: {address: \"127.0.0.1:1\"}
  admin: {address: \"[::1]:2\"}
  http: {}
filter: {path: /wasm/serin.wasm, version: 1.2.3}
report: {cluster: control, interval_ms: 250, host_sample: 0, route_metadata: false}
log: debug
";

#[test]
fn every_field_is_taken_over() {
    let config = Config::parse(EVERYTHING, false).unwrap();
    assert_eq!(config.data, Path::new("/var/lib/serin"));
    assert_eq!(config.fleet.address.to_string(), "127.0.0.1:1");
    assert_eq!(config.admin.address.to_string(), "[::1]:2");
    assert_eq!(config.http.address.to_string(), "127.0.0.1:7442");
    assert_eq!(config.filter, Filter { path: "/wasm/serin.wasm".to_owned(), version: "1.2.3".to_owned() });
    let report = Report {
        cluster: "control".to_owned(),
        interval: Duration::from_millis(250),
        host_sample: 0,
        route_metadata: false,
    };
    assert_eq!((config.report, config.log.as_str()), (report, "debug"));
}

#[test]
fn nothing_is_a_configuration_too() {
    for text in ["", "\n\n", "# only a comment\n", "{}"] {
        let config = Config::parse(text, false).unwrap();
        let ports = [&config.fleet, &config.admin, &config.http].map(|listener| listener.address.port());
        assert_eq!(ports, [7440, 7441, 7442]);
        assert!(config.fleet.address.ip().is_loopback());
        assert_eq!((config.report.cluster.as_str(), config.report.host_sample), ("serin_control_plane", 16));
        assert!(config.report.route_metadata);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, words) in [
        ("data: x\nlistner: {}\n", "2:1: unknown field `listner`"),
        ("listeners:\n  fleet: {adress: \"127.0.0.1:1\"}\n", "2:11: "),
        ("listeners: {fleet: {address: here}}\n", "1:30: "),
        ("data: [1]\n", "1:7: expected string scalar"),
        ("report: {interval_ms: 99}\n", "report.interval_ms: must be between 100 and 60000"),
        ("report: {cluster: \"\"}\n", "report.cluster: must not be empty"),
        ("filter: {version: \"\"}\n", "filter.version: must not be empty"),
        (
            "listeners: {admin: {tls: {cert: /nowhere/cert.pem, key: k}}}\n",
            "listeners.admin.tls.cert: /nowhere/cert.pem: No such file",
        ),
        (
            "listeners: {http: {tokens: {ci: /nowhere/t}}}\n",
            "listeners.http.tokens.ci: /nowhere/t: No such file",
        ),
    ] {
        let error = Config::parse(text, true).unwrap_err().to_string();
        assert!(error.contains(words), "{text:?} gives {error:?}, not {words:?}");
        assert!(!error.contains("at line"), "the place is said once: {error:?}");
    }
}

#[test]
fn the_file_is_named_in_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.yaml");
    std::fs::write(&path, "data: x\nunknown: 1\n").unwrap();
    let error = Config::load(Some(&path), false).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:2:1: ", path.display())), "{error}");
    let missing = folder.path().join("missing.yaml");
    let error = Config::load(Some(&missing), false).unwrap_err().to_string();
    assert!(error.starts_with(&missing.display().to_string()), "{error}");
}

#[test]
fn a_weak_token_is_refused_and_no_secret_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let parse = |secret: &str| {
        std::fs::write(&path, secret).unwrap();
        Config::parse(&format!("listeners: {{admin: {{tokens: {{ci: {}}}}}}}", path.display()), false)
    };
    assert!(parse("short").unwrap_err().to_string().starts_with("listeners.admin.tokens.ci: "));
    assert!(parse("sixteen bytes and spaces").is_err());
    let config = parse("correct-horse-battery\n").unwrap();
    assert!(config.admin.tokens[0].matches("correct-horse-battery"));
    assert!(!format!("{config:?}").contains("horse"));
}

use std::path::Path;

use serin_registry::retention::Policy;

use super::*;

const EVERYTHING: &str = "
data: /var/lib/serin
listeners:
  fleet: {address: \"127.0.0.1:1\"}
  admin: {address: \"[::1]:2\"}
  http: {}
filter: {path: /wasm/serin.wasm, version: 1.2.3}
registry: {store: {folder: /srv/artifacts}, keep_versions: 3, keep_for: 12h}
outside: {permit: [10.0.0.0/8, '::1/128'], timeout: 3s}
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
    let policy = Policy { keep_versions: 3, keep_for: Duration::from_hours(12) };
    let store = ArtifactPlace::Folder("/srv/artifacts".into());
    assert_eq!(config.registry, Registry { store, policy });
    assert_eq!(config.outside.timeout, Duration::from_secs(3));
    for (address, permitted) in [("10.1.2.3", true), ("::1", true), ("127.0.0.1", false), ("8.8.8.8", true)] {
        assert_eq!(config.outside.policy.check(address.parse().unwrap()).is_ok(), permitted, "{address}");
    }
}

#[test]
fn nothing_is_a_configuration_too() {
    for text in ["", "\n\n", "# only a comment\n", "{}"] {
        let config = Config::parse(text, false).unwrap();
        let ports = [&config.fleet, &config.admin, &config.http].map(|listener| listener.address.port());
        assert_eq!(ports, [7440, 7441, 7442]);
        assert!(config.fleet.address.ip().is_loopback());
        assert_eq!((config.report.cluster.as_str(), config.report.host_sample), ("serin_control_plane", 16));
        assert_eq!(config.registry.store, ArtifactPlace::Folder("serin-data/artifacts".into()));
        let policy = Policy { keep_versions: 20, keep_for: Duration::from_hours(30 * 24) };
        assert_eq!(config.registry.policy, policy);
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
        ("registry: {store: {tape: x}}\n", "1:20: unknown variant `tape`, expected"),
        ("registry: {store: {folder: \"\"}}\n", "registry.store.folder: must not be empty"),
        ("registry: {keep_versions: 0}\n", "registry.keep_versions: must be between 1 and 1000"),
        ("registry: {keep_for: 30}\n", "registry.keep_for: must be a duration such as 12h or 30d"),
        ("registry: {keep_for: 3651d}\n", "registry.keep_for: must be a duration"),
        (
            "evidence: {keep_for: 1h}\n",
            "evidence.keep_for: must be a duration such as 90d or 365d, 1d to 3650d",
        ),
        ("evidence: {max_bytes: 1}\n", "evidence.max_bytes: must be at least 67108864"),
        ("audit: {keep_for: 3651d}\n", "audit.keep_for: must be a duration"),
        ("audit: {keep: 1d}\n", "1:9: unknown field `keep`"),
        ("registry: {store: {s3: {buckt: x}}}\n", "1:25: unknown field `buckt`"),
        ("registry: {store: {s3: {bucket: a/b}}}\n", "registry.store.s3.bucket: must be letters, digits"),
        ("registry: {store: {s3: {bucket: a, prefix: /x}}}\n", "registry.store.s3.prefix: must be a path"),
        (
            "registry: {store: {s3: {bucket: a, endpoint: host}}}\n",
            "registry.store.s3.endpoint: must be an https://",
        ),
        (
            "registry: {store: {s3: {bucket: a, access_key_id: b}}}\n",
            "registry.store.s3.access_key_id: access_key_id and secret_access_key_file go together",
        ),
        ("outside: {permit: [10.0.0.1/8]}\n", "outside.permit[0]: 10.0.0.1/8 has bits beyond its prefix"),
        ("outside: {permit: ['::/0', x]}\n", "outside.permit[1]: \"x\" must be a network"),
        ("outside: {timeout: 61s}\n", "outside.timeout: must be a duration between 100ms and 1m"),
        ("outside: {ca: /nowhere/ca.pem}\n", "outside.ca: /nowhere/ca.pem: No such file"),
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

#[test]
fn the_samples_of_the_page_on_the_registry_are_accepted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/registry.md");
    let page = std::fs::read_to_string(page).unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "0123456789abcdef").unwrap();
    let samples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let samples: Vec<&str> = samples.filter(|sample| sample.starts_with("registry:")).collect();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let sample = sample.replace("/run/secrets/s3", secret.path().to_str().unwrap());
        Config::parse(&sample, false).unwrap();
    }
}

#[test]
fn a_bucket_is_reached_with_tls_or_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef\n").unwrap();
    let parse = |endpoint: &str, insecure| {
        let key = format!("access_key_id: serin, secret_access_key_file: {}", secret.display());
        let s3 = format!(
            "bucket: artifacts, prefix: serin/main, region: eu-central-1, endpoint: '{endpoint}', {key}"
        );
        Config::parse(&format!("registry: {{store: {{s3: {{{s3}}}}}}}"), insecure)
    };
    for (endpoint, allow_http) in
        [("https://s3.example", false), ("http://127.0.0.1:9000", true), ("http://[::1]:9000", true)]
    {
        let config = parse(endpoint, false).unwrap();
        let ArtifactPlace::S3(s3) = &config.registry.store else { panic!("{config:?}") };
        assert_eq!(
            (s3.bucket.as_str(), s3.prefix.as_str(), s3.allow_http),
            ("artifacts", "serin/main", allow_http)
        );
        assert!(serin_registry::store::ArtifactStore::in_s3(s3).is_ok());
        assert!(!format!("{config:?}").contains("0123456789abcdef"), "no secret is printed");
    }
    let error = parse("http://s3.example", false).unwrap_err().to_string();
    assert!(error.contains("registry.store.s3.endpoint: must be https:// beyond this machine"), "{error}");
    assert!(parse("http://s3.example", true).is_ok());
}

//! Against a control plane that asks for TLS, a client certificate and a token.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::online::PLAN;
use crate::program::{Ran, serin, serin_reading};
use crate::server::Server;

/// A server behind TLS, and the files that open it.
struct Guarded {
    server: Server,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        authority(folder.path(), "", &["localhost", "client"]);
        authority(folder.path(), "other-", &["client"]);
        let path = |file: &str| folder.path().join(file).display().to_string();
        let admin = format!(
            "    tls: {{cert: {}, key: {}, client_ca: {}}}\n    tokens: {{pipeline: FOLDER/token}}\n",
            path("localhost.pem"),
            path("localhost.key"),
            path("ca.pem"),
        );
        Self { server: Server::with(&admin), folder }
    }

    fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    /// The address, the token, the authority, the client's certificate and its key; each can be left out by its option.
    fn options(&self, without: &str) -> Vec<String> {
        let url = format!("https://localhost:{}", self.server.admin.port());
        let all = [
            ("--server", url),
            ("--token-file", self.server.token_file()),
            ("--ca", self.path("ca.pem")),
            ("--cert", self.path("client.pem")),
            ("--key", self.path("client.key")),
        ];
        let kept = all.into_iter().filter(|(option, _)| !without.split(' ').any(|one| one == *option));
        kept.flat_map(|(option, value)| [option.to_owned(), value]).collect()
    }

    /// Runs the program with these options besides those that open the server.
    fn serin(&self, without: &str, arguments: &[&str]) -> Ran {
        let options = self.options(without);
        serin(&[arguments, &options.iter().map(String::as_str).collect::<Vec<_>>()].concat())
    }
}

/// A certificate authority, and a certificate and key for each name, signed by it.
fn authority(folder: &Path, prefix: &str, names: &[&str]) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let write =
        |name: &str, text: String| std::fs::write(folder.join(format!("{prefix}{name}")), text).unwrap();
    write("ca.pem", authority.pem());
    for name in names {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![(*name).to_owned()]).unwrap();
        write(&format!("{name}.pem"), params.signed_by(&key, &authority).unwrap().pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

#[test]
fn certificate_and_token_open_every_command() {
    let guarded = Guarded::start();
    let options = guarded.options("");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let create = ["rollout", "create", "-f", "-", "--json"];
    let created = serin_reading(&[&create, options.as_slice()].concat(), PLAN).exits(0).json();
    let id = created["id"].as_str().unwrap();
    let reason = ["--reason", "slow"];
    guarded.serin("", &[&["rollout", "rollback", "shop"], reason.as_slice()].concat()).exits(0);
    assert_eq!(
        guarded.serin("", &["rollout", "status", id, "--json"]).exits(0).json()["phase"],
        "rolled_back"
    );
    let watched = guarded.serin("", &["rollout", "watch", id, "--json"]).exits(6);
    assert!(watched.stdout.contains("rolled_back"), "{watched:?}");
    let events = guarded.serin("", &["events", "--json"]).exits(0);
    assert!(events.stdout.contains("pipeline"), "the token's name is who did it: {events:?}");
    guarded.serin("", &["nodes"]).exits(0);
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let guarded = Guarded::start();
    let list = ["rollout", "list", "--json"];
    for (without, said) in [("--token-file", "token"), ("--ca", "--ca"), ("--cert --key", "--cert and --key")]
    {
        let ran = guarded.serin(without, &list);
        assert!(ran.code != 0 && ran.stderr.contains(said), "{without}: {ran:?}");
    }
    for (option, file) in [("--ca", "other-ca.pem"), ("--cert", "other-client.pem"), ("--ca", "client.key")] {
        let wrong = guarded.path(file);
        let ran = guarded.serin(option, &[list.as_slice(), &[option, &wrong]].concat());
        assert!(ran.code != 0, "{option} {file}: {ran:?}");
    }
    let plain = format!("http://{}", guarded.server.admin);
    let ran = guarded.serin("--server --ca --cert --key", &[list.as_slice(), &["--server", &plain]].concat());
    assert!(ran.code != 0, "{ran:?}");
}

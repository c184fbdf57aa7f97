//! TLS, tokens, and what is refused without them.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serin_control_plane::{Config, start};
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::*;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request};

use crate::http::exchange;
use crate::ofrep::ask;
use crate::support::*;

const SECRET: &str = "correct-horse-battery";

/// A server certificate, its key, and the authority of both sides.
struct Certificates {
    authority: String,
    client: Identity,
}

fn certificates(folder: &Path) -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (cert, key) = issue("localhost");
    for (file, text) in
        [("cert.pem", &cert), ("key.pem", &key), ("ca.pem", &authority.pem()), ("token", &SECRET.to_owned())]
    {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let (cert, key) = issue("client");
    Certificates { authority: authority.pem(), client: Identity::from_pem(cert, key) }
}

fn guarded(folder: &Path) -> String {
    let path = |file: &str| folder.join(file).display().to_string();
    format!(
        "data: {}\nlisteners:\n  fleet: {{address: \"127.0.0.1:0\", tokens: {{proxies: {token}}}}}\n  \
         admin:\n    address: \"127.0.0.1:0\"\n    tls: {{cert: {}, key: {}, client_ca: {}}}\n    \
         tokens: {{pipeline: {token}}}\n  http: {{address: \"127.0.0.1:0\", tokens: {{viewer: {token}}}}}\n",
        path("data"),
        path("cert.pem"),
        path("key.pem"),
        path("ca.pem"),
        token = path("token"),
    )
}

async fn connect(
    address: std::net::SocketAddr,
    tls: ClientTlsConfig,
) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", address.port())).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn only_who_has_certificate_and_token_may_steer() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = certificates(folder.path());
    let server = start(&Config::parse(&guarded(folder.path()), false).unwrap()).await.unwrap();
    let authority = || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&certificates.authority));
    let anonymous = connect(server.addresses.admin, authority()).await;
    let anonymous = match anonymous {
        Ok(channel) => {
            AdminServiceClient::new(channel).list(with_token(ListRequest::default(), SECRET)).await.is_err()
        }
        Err(_) => true,
    };
    assert!(anonymous, "a client without certificate is turned away");
    let channel = connect(server.addresses.admin, authority().identity(certificates.client)).await.unwrap();
    let mut admin = AdminServiceClient::new(channel);
    assert_eq!(admin.list(ListRequest::default()).await.unwrap_err().code(), Code::Unauthenticated);
    let wrong = with_token(ListRequest::default(), "correct-horse-batterx");
    assert_eq!(admin.list(wrong).await.unwrap_err().code(), Code::Unauthenticated);
    let request = with_token(CreateRequest { plan_yaml: plan("shop"), paused: false }, SECRET);
    let id = admin.create(request).await.unwrap().into_inner().rollout.unwrap().id;
    let events = ListEventsRequest { rollout_id: id, ..ListEventsRequest::default() };
    let events = admin.list_events(with_token(events, SECRET)).await.unwrap().into_inner().events;
    assert_eq!(events[0].actor, "pipeline");
    let told =
        admin.get_assignment(with_token(GetAssignmentRequest::default(), SECRET)).await.unwrap().into_inner();
    assert!(!told.assignment_json.contains(SECRET), "the filters' token is not shown to people");

    let mut fleet = fleet(server.addresses).await;
    let request = report("envoy-1", 1, Vec::new());
    assert_eq!(fleet.report(request.clone()).await.unwrap_err().code(), Code::Unauthenticated);
    fleet.report(with_token(request, SECRET)).await.unwrap();

    let address = server.addresses.http;
    assert!(exchange(address, "/metrics", "").await.0.starts_with("HTTP/1.1 401"));
    assert!(exchange(address, "/healthz", "").await.0.starts_with("HTTP/1.1 200"));
    let header = format!("authorization: bearer {SECRET}\r\n");
    assert!(exchange(address, "/metrics", &header).await.0.starts_with("HTTP/1.1 200"));
    for path in ["/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/tax"] {
        let (status, head, _) = ask(address, path, "", b"{}").await;
        assert!(status == 401 && head.contains("www-authenticate: bearer"), "{head}");
    }
    assert_eq!(ask(address, "/ofrep/v1/evaluate/flags", &header, b"{}").await.0, 200);
    server.stop().await;
}

#[test]
fn a_listener_for_everyone_needs_tls_and_tokens_or_the_word_insecure() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let [cert, key, ca, token] =
        ["cert.pem", "key.pem", "ca.pem", "token"].map(|file| folder.path().join(file));
    let tls = format!("tls: {{cert: {}, key: {}}}", cert.display(), key.display());
    let mutual =
        format!("tls: {{cert: {}, key: {}, client_ca: {}}}", cert.display(), key.display(), ca.display());
    let tokens = format!("tokens: {{ci: {}}}", token.display());
    let parse = |rest: &str, insecure: bool| {
        Config::parse(&format!("listeners: {{admin: {{address: \"0.0.0.0:7441\"{rest}}}}}"), insecure)
    };
    for (rest, missing) in [
        (String::new(), Some("tls and tokens are missing")),
        (format!(", {tls}"), Some("tokens are missing")),
        (format!(", {tokens}"), Some("tls is missing")),
        (format!(", {tls}, {tokens}"), None),
        (format!(", {mutual}"), None),
    ] {
        let outcome = parse(&rest, false).map(|_| ()).map_err(|error| error.to_string());
        match missing {
            Some(missing) => {
                assert!(outcome.as_ref().is_err_and(|error| error.contains(missing)), "{outcome:?}")
            }
            None => assert_eq!(outcome, Ok(())),
        }
        assert!(parse(&rest, true).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_needs_the_admin_token_where_the_http_listener_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let guarded = format!("admin: {{address: \"127.0.0.1:0\", tokens: {{ops: \"{}\"}}}}", token.display());
    let yaml = yaml(folder.path()).replace("admin: {address: \"127.0.0.1:0\"}", &guarded);
    let running = start(&Config::parse(&yaml, false).unwrap()).await.unwrap();
    let http = running.addresses.http;
    let post = |path: &'static str, token: &str| {
        let headers = format!("content-type: application/json\r\n{token}");
        async move { crate::otlp::status(&crate::otlp::post(http, path, &headers, b"{\"value\": 3}").await.0) }
    };
    let bearer = format!("authorization: Bearer {SECRET}\r\n");
    let value = "/api/rollouts/shop/queries/queue";
    assert_eq!(post(value, "").await, 401);
    assert_eq!(post("/api/alerts", "").await, 401);
    assert_eq!(post(value, "authorization: Bearer of-somebody-else-\r\n").await, 401);
    assert_eq!(post(value, &bearer).await, 404, "who holds the token is let in, and no such rollout runs");
    assert_eq!(crate::http::text(http, "/metrics").await.0, 200, "reading stays open");
    running.stop().await;
}

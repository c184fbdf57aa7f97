use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::Class;

const WITHIN: Duration = Duration::from_secs(20);

fn client(permit: &[&str]) -> HttpClient {
    let policy = AddressPolicy::new(permit.iter().map(|network| network.parse().unwrap()).collect());
    HttpClient::new(policy, &Roots::system()).unwrap()
}

fn local() -> HttpClient {
    client(&["127.0.0.1/32"])
}

fn get(url: &str, timeout: Duration) -> Request {
    Request::get(url.parse().unwrap(), timeout)
}

/// Reads the head of a request and the body that it announces.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let mut byte = [0; 1];
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        text.push(char::from(byte[0]));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    text + std::str::from_utf8(&body).unwrap()
}

/// What a server does once it has read a request.
#[derive(Clone)]
enum Then {
    Answers(&'static str),
    Sends { bytes: usize },
    Hangs,
    Drips,
    Closes,
}

async fn act(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), then: &Then) {
    match then {
        Then::Answers(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
        Then::Sends { bytes } => {
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let _client_may_hang_up = stream.write_all(&vec![b'x'; *bytes]).await;
        }
        Then::Hangs => std::future::pending().await,
        Then::Drips => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Then::Closes => {}
    }
    let _may_be_gone = stream.shutdown().await;
}

/// A server on loopback: its address, and the requests that reach it.
async fn server(then: Then) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (sender, then) = (sender.clone(), then.clone());
            tokio::spawn(async move {
                sender.send(request(&mut stream).await).unwrap();
                act(&mut stream, &then).await;
            });
        }
    });
    (address, requests)
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_comes_back_whole() {
    let answer = "HTTP/1.1 201 Created\r\nx-kind: test\r\ncontent-length: 5\r\n\r\nhello";
    let (address, mut requests) = server(Then::Answers(answer)).await;
    let url: Url = format!("http://localhost:{}/path?query=1", address.port()).parse().unwrap();
    let mut request = Request::post_json(url, r#"{"a":1}"#, WITHIN);
    request.headers.insert("x-own", "value".parse().unwrap());
    let response = local().send(request).await.unwrap();
    assert_eq!((response.status, response.body.as_ref()), (201, b"hello".as_slice()));
    assert!(response.is_success());
    assert_eq!(response.headers["x-kind"], "test");
    let seen = requests.recv().await.unwrap();
    assert!(seen.starts_with("POST /path?query=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    for header in ["content-type: application/json", "x-own: value", "user-agent: serin/"] {
        assert!(seen.contains(header), "{header} is not in {seen}");
    }
}

#[tokio::test]
async fn what_is_not_permitted_is_never_connected_to_by_name_or_by_address() {
    let (address, mut requests) = server(Then::Answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let port = address.port();
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        let error = client(&[]).send(get(&format!("http://{host}:{port}/"), WITHIN)).await.unwrap_err();
        assert!(matches!(error, CallError::Blocked(_)), "{host}: {error}");
    }
    let metadata = local().send(get("http://169.254.169.254/latest/meta-data/", WITHIN)).await.unwrap_err();
    let CallError::Blocked(Blocked { class: Class::LinkLocal, .. }) = metadata else { panic!("{metadata}") };
    assert!(requests.try_recv().is_err(), "something connected");
    assert!(local().send(get(&format!("http://localhost:{port}/"), WITHIN)).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inner, mut inner_requests) = server(Then::Closes).await;
    let location =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{inner}/\r\ncontent-length: 0\r\n\r\n");
    let (outer, _requests) = server(Then::Answers(location.leak())).await;
    let response = local().send(get(&format!("http://{outer}/"), WITHIN)).await.unwrap();
    assert_eq!((response.status, response.is_success()), (307, false));
    assert!(inner_requests.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_body_of_the_bound_is_taken_and_a_longer_one_is_a_failure() {
    for (bytes, taken) in [(1_000, true), (1_001, false), (10 << 20, false)] {
        let (address, _requests) = server(Then::Sends { bytes }).await;
        let request = Request { body_max: 1_000, ..get(&format!("http://{address}/"), WITHIN) };
        match local().send(request).await {
            Ok(response) => assert!(taken && response.body.len() == bytes, "{bytes}"),
            Err(error) => assert!(!taken && error == CallError::TooLarge { max: 1_000 }, "{bytes}: {error}"),
        }
    }
}

#[tokio::test]
async fn one_deadline_covers_an_answer_that_hangs_and_one_that_drips() {
    let after = Duration::from_millis(300);
    for then in [Then::Hangs, Then::Drips] {
        let (address, _requests) = server(then).await;
        let began = Instant::now();
        let error = local().send(get(&format!("http://{address}/"), after)).await.unwrap_err();
        assert_eq!(error, CallError::Deadline { after });
        assert!(began.elapsed() >= after && began.elapsed() < WITHIN / 2, "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_or_refused_is_a_failure_without_the_path() {
    let (address, mut requests) = server(Then::Closes).await;
    let error = local().send(get(&format!("http://{address}/secret-path"), WITHIN)).await.unwrap_err();
    assert!(matches!(error, CallError::Exchange(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret-path"));
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "it was sent twice");
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = local().send(get(&format!("http://{unused}/secret-path"), WITHIN)).await.unwrap_err();
    assert!(matches!(error, CallError::Connect(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret-path"));
}

#[tokio::test]
async fn a_certificate_is_believed_for_its_host_and_its_authority_only() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.unwrap().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                request(&mut stream).await;
                act(&mut stream, &Then::Answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
            });
        }
    });
    let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let roots = Roots::only(own.cert.pem().as_bytes()).unwrap();
    let believing = HttpClient::new(policy, &roots).unwrap();
    let by_name = format!("https://localhost:{port}/");
    assert_eq!(believing.send(get(&by_name, WITHIN)).await.unwrap().body.as_ref(), b"ok");
    for (client, url, words) in [
        (&local(), by_name.as_str(), "UnknownIssuer"),
        (&believing, &format!("https://127.0.0.1:{port}/"), "not valid for name"),
    ] {
        let error = client.send(get(url, WITHIN)).await.unwrap_err();
        assert!(matches!(error, CallError::Connect(_)) && error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours_and_another_client_nothing() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (pem, key_pem) = (own.cert.pem(), own.signing_key.serialize_pem());
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authorities = rustls::RootCertStore::empty();
    authorities.add(own.cert.der().clone()).unwrap();
    let asks = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(authorities),
        Arc::clone(&provider),
    );
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asks.build().unwrap())
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            request(&mut stream).await;
            act(&mut stream, &Then::Answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
        }
    });
    let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let roots = Roots::only(pem.as_bytes()).unwrap();
    let identity = Identity::new(pem.as_bytes(), key_pem.as_bytes()).unwrap();
    let shown = HttpClient::showing(policy.clone(), &roots, &identity).unwrap();
    assert_eq!(shown.send(get(&url, WITHIN)).await.unwrap().body.as_ref(), b"ok");
    let nobody = HttpClient::new(policy.clone(), &roots).unwrap();
    nobody.send(get(&url, WITHIN)).await.unwrap_err();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mixed = Identity::new(pem.as_bytes(), other.signing_key.serialize_pem().as_bytes()).unwrap();
    let refused = HttpClient::showing(policy, &roots, &mixed).unwrap_err();
    assert!(matches!(refused, RootsError::Identity(_)), "{refused}");
}

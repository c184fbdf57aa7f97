use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fault::{Fault, Faults, Kind};
use super::route::GRPC_METHOD;
use super::*;
use crate::http;

async fn sample() -> Sample {
    let settings = Settings { version: "v7".to_owned(), seed: 3, median_latency: Duration::ZERO };
    Sample::start_anywhere(settings).await.unwrap()
}

fn grpc_request(address: SocketAddr) -> Request<Full<Bytes>> {
    Request::post(format!("http://{address}{GRPC_METHOD}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::from(&[0_u8, 0, 0, 0, 0][..]))
        .unwrap()
}

#[tokio::test]
async fn every_answer_names_the_version_and_every_request_is_counted_with_its_arm() {
    let sample = sample().await;
    for (path, status) in [("/home", 200), ("/orders/7?x=1", 200), ("/nowhere", 404)] {
        let answer = http::get(sample.address(), path, &[("x-serin-arm", "canary")]).await.unwrap();
        assert_eq!((answer.status(), answer.header(VERSION_HEADER)), (status, Some("v7")), "{path}");
    }
    http::get(sample.address(), "/home", &[]).await.unwrap();
    let stats: Stats = http::get_json(sample.address(), "/_stats").await.unwrap();
    assert_eq!(stats, sample.stats());
    assert_eq!(stats.total(|_| true), 4);
    assert_eq!(stats.total(|key| key.arm.as_deref() == Some("canary")), 3);
    assert_eq!(stats.total(|key| key.route == "/orders/{id}" && key.status == "200"), 1);
}

#[tokio::test]
async fn faults_switched_over_http_hit_their_route_in_their_share_and_no_other() {
    let sample = sample().await;
    let faults = Faults::one("/checkout", 0.3, Kind::Status(500));
    http::post_json(sample.address(), "/_faults", &faults).await.unwrap();
    let client = http::client();
    let mut failed = 0;
    for path in ["/checkout", "/cart"].repeat(500) {
        let request =
            Request::get(format!("http://{}{path}", sample.address())).body(Full::default()).unwrap();
        let status = http::exchange(&client, request).await.unwrap().status();
        assert!(status == 200 || path == "/checkout", "{path}: {status}");
        failed += u64::from(status == 500);
    }
    assert!((110..=190).contains(&failed), "{failed} of 500 failed, 150 expected");
    assert_eq!(sample.stats().total(|key| key.status == "500"), failed);
    let refused = http::post_json(sample.address(), "/_faults", &serde_json::json!({"fault": []})).await;
    assert!(refused.unwrap_err().to_string().contains("unknown field"));
}

#[tokio::test]
async fn latency_adds_to_what_else_happens() {
    let sample = sample().await;
    let fault = |kind| Fault { route: fault::EVERY_ROUTE.to_owned(), share: 1.0, kind };
    sample.set_faults(Faults { faults: vec![fault(Kind::LatencyMs(60)), fault(Kind::Status(503))] });
    let start = std::time::Instant::now();
    assert_eq!(http::get(sample.address(), "/home", &[]).await.unwrap().status(), 503);
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_fault_can_be_asked_for_by_one_request() {
    let sample = sample().await;
    let headers = [(FAULT_HEADER, r#"{"status":429}"#)];
    assert_eq!(http::get(sample.address(), "/home", &headers).await.unwrap().status(), 429);
    assert_eq!(http::get(sample.address(), "/home", &[]).await.unwrap().status(), 200);
}

#[tokio::test]
async fn reset_and_close_in_the_body_end_the_connection_and_hang_never_answers() {
    let sample = sample().await;
    for kind in [r#""reset""#, r#""close_mid_body""#] {
        http::get(sample.address(), "/home", &[(FAULT_HEADER, kind)]).await.unwrap_err();
    }
    let headers = [(FAULT_HEADER, r#""hang""#)];
    let hanging = http::get(sample.address(), "/home", &headers);
    tokio::time::timeout(Duration::from_millis(200), hanging).await.unwrap_err();
    for status in ["reset", "close_mid_body", "hang"] {
        assert_eq!(sample.stats().total(|key| key.status == status), 1, "{status}");
    }
}

#[tokio::test]
async fn grpc_status_comes_in_trailers_or_alone_in_the_headers() {
    let sample = sample().await;
    let client = http::h2c_client();
    let ok = http::exchange(&client, grpc_request(sample.address())).await.unwrap();
    assert_eq!(ok.trailers.unwrap()["grpc-status"], "0");
    assert_eq!(&ok.body[..], [0; 5]);
    sample.set_faults(Faults::one(GRPC_METHOD, 1.0, Kind::GrpcStatus(13)));
    let trailers = http::exchange(&client, grpc_request(sample.address())).await.unwrap();
    assert_eq!((trailers.status(), trailers.trailers.unwrap()["grpc-status"].to_str().unwrap()), (200, "13"));
    sample.set_faults(Faults::one(GRPC_METHOD, 1.0, Kind::GrpcStatusTrailersOnly(14)));
    let alone = http::exchange(&client, grpc_request(sample.address())).await.unwrap();
    assert_eq!((alone.header("grpc-status"), alone.body.len()), (Some("14"), 0));
    assert_eq!(sample.stats().total(|key| key.grpc_status == Some(14)), 1);
}

#[tokio::test]
async fn a_websocket_frame_comes_back() {
    let sample = sample().await;
    let mut stream = TcpStream::connect(sample.address()).await.unwrap();
    let request = "GET /echo HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    // Key and answer are the example of RFC 6455, section 1.3.
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    // The masked "Hello" of RFC 6455, section 5.7, and the same without a mask.
    stream.write_all(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).await.unwrap();
    let mut frame = [0; 7];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
}

#[test]
fn latencies_repeat_with_the_seed_and_spread_around_the_median() {
    let service = || Service::new(Settings::version("v1"));
    let latencies = |service: Service| -> Vec<Duration> {
        (0..2_001).map(|_| service.next_draws().latency(Duration::from_millis(2))).collect()
    };
    let mut first = latencies(service());
    assert_eq!(first, latencies(service()));
    first.sort_unstable();
    let (low, median, high) = (first[20], first[1_000], first[1_980]);
    assert!((1.9..2.1).contains(&(median.as_secs_f64() * 1e3)), "{median:?}");
    assert!(low < Duration::from_millis(1) && high > Duration::from_millis(4), "{low:?} {high:?}");
}

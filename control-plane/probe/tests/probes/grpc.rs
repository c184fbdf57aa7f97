//! The health service of gRPC, HTTP and TCP.

use serin_rollout::outside::CheckAnswer;
use serin_rollout::plan::{GrpcProbe, HttpProbe, Probe, TcpProbe};
use tonic_health::ServingStatus;

use crate::server::{Manner, http, serve};
use crate::{WITHIN, local};
use serin_probe::Targets;

fn failed(answer: &CheckAnswer) -> &str {
    let CheckAnswer::Failed { reason } = answer else { panic!("{answer:?}") };
    reason
}

#[tokio::test]
async fn grpc_health_is_what_the_server_says_of_each_service() {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("shop.Orders", ServingStatus::Serving).await;
    reporter.set_service_status("shop.Carts", ServingStatus::NotServing).await;
    let incoming = tonic::transport::server::TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap().to_string();
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    let prober = local(Targets::default());
    let ask = |service: &str| {
        let probe = GrpcProbe { address: address.clone(), service: service.to_owned(), tls: false };
        let prober = prober.clone();
        async move { prober.check(&Probe::Grpc(probe), WITHIN).await }
    };
    assert!(matches!(ask("shop.Orders").await, CheckAnswer::Passed { .. }));
    assert_eq!(failed(&ask("shop.Carts").await), "it says NOT_SERVING");
    assert!(failed(&ask("shop.Nothing").await).starts_with("it answered NotFound"));
    for (manner, words) in [(Manner::Hangs, "no answer within 2s"), (Manner::Closes, "")] {
        let address = serve(manner).await.to_string();
        let probe = GrpcProbe { address, service: String::new(), tls: false };
        let answer = prober.check(&Probe::Grpc(probe), WITHIN).await;
        assert!(failed(&answer).contains(words), "{answer:?}");
    }
    // TLS is asked of a server that has none.
    let probe = GrpcProbe { address, service: String::new(), tls: true };
    let answer = prober.check(&Probe::Grpc(probe), WITHIN).await;
    assert!(failed(&answer).starts_with("no TLS") || failed(&answer).starts_with("no answer"), "{answer:?}");
}

#[tokio::test]
async fn an_http_check_needs_its_status_and_its_words() {
    let prober = local(Targets::default());
    let ok = serve(http("200 OK", "", "all is ok here")).await;
    let wrong = serve(http("503 Service Unavailable", "", "")).await;
    let ask = |address: std::net::SocketAddr, status: u16, words: Option<&str>| {
        let body_contains = words.map(str::to_owned);
        let url = format!("http://{address}/healthz");
        let probe = Probe::Http(HttpProbe { url, status: vec![status], body_contains });
        let prober = prober.clone();
        async move { prober.check(&probe, WITHIN).await }
    };
    assert!(matches!(ask(ok, 200, None).await, CheckAnswer::Passed { .. }));
    assert!(matches!(ask(ok, 200, Some("is ok")).await, CheckAnswer::Passed { .. }));
    assert!(matches!(ask(wrong, 503, None).await, CheckAnswer::Passed { .. }));
    assert_eq!(failed(&ask(wrong, 200, None).await), "it answered 503");
    assert_eq!(failed(&ask(ok, 200, Some("not ok")).await), "its answer does not contain what it should");
}

#[tokio::test]
async fn a_tcp_check_needs_a_connection_and_nothing_more() {
    let prober = local(Targets::default());
    let address = serve(Manner::Hangs).await.to_string();
    let answer = prober.check(&Probe::Tcp(TcpProbe { address }), WITHIN).await;
    assert!(matches!(answer, CheckAnswer::Passed { .. }), "{answer:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = prober.check(&Probe::Tcp(TcpProbe { address: free.to_string() }), WITHIN).await;
    assert!(failed(&answer).contains("refused"), "{answer:?}");
}

//! Spans over OTLP: what they show of who calls whom, and what a rollout takes of it.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message;
use serin_proto::admin::v1::*;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use crate::http::text;
use crate::otlp::{JSON, PROTOBUF, address, gzip, metric, pairs, post, server, status};
use crate::support::*;

type Traces = TraceServiceClient<Channel>;

async fn traces(server: &Server) -> Traces {
    Traces::connect(format!("http://{}", address(server))).await.unwrap()
}

fn span(trace: u8, id: u8, parent: u8, kind: SpanKind, attributes: &[(&str, &str)]) -> Span {
    let id_of = |id: u8| if id == 0 { Vec::new() } else { vec![id; 8] };
    Span {
        trace_id: vec![trace; 16],
        span_id: id_of(id),
        parent_span_id: id_of(parent),
        kind: kind.into(),
        start_time_unix_nano: now_second() * 1_000_000_000,
        end_time_unix_nano: now_second() * 1_000_000_000,
        attributes: pairs(attributes),
        ..Span::default()
    }
}

fn request(resource: &[(&str, &str)], spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = Some(Resource { attributes: pairs(resource), ..Resource::default() });
    let spans = ResourceSpans { resource, scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }
}

/// A plan whose routes say nothing of each other.
fn plan(more: &str) -> String {
    format!(
        "service: shop\nhosts: [shop.example.com]\nbaseline: v1\ncanary: v2\nwarm_up: 1s\n\
         steps: [{{weight: 20%, bake: 10m}}]\n{more}components:\n\
         - {{name: checkout, matches: [{{path: {{prefix: /checkout}}}}]}}\n\
         - {{name: cart, matches: [{{path: {{template: \"/carts/{{id}}\"}}}}]}}\n\
         - {{name: home, matches: [{{path: {{exact: /}}}}]}}\n"
    )
}

async fn begin(admin: &mut Admin, plan_yaml: String) -> Rollout {
    let request = CreateRequest { plan_yaml, paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

async fn end(admin: &mut Admin, id: &str) {
    let (id, reason) = (id.to_owned(), "bad".to_owned());
    admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await.unwrap();
}

/// Trace `number`: checkout, served by the canary, calls the cart through a gateway, in three parts and backwards.
async fn checkout_calls_cart(server: &Server, number: u8) {
    let mut client = traces(server).await;
    let cart = [("http.route", "/carts/:cart"), ("http.request.method", "GET")];
    let parts = [
        (&[("service.name", "shop")][..], span(number, 4, 3, SpanKind::Server, &cart)),
        (&[("service.name", "gateway")], span(number, 3, 2, SpanKind::Server, &[])),
        (&[("service.name", "shop")], span(number, 2, 1, SpanKind::Client, &[("url.path", "/carts/7")])),
    ];
    for (resource, span) in parts {
        let answer = client.export(request(resource, vec![span])).await.unwrap().into_inner();
        assert_eq!(answer.partial_success, None);
    }
    let served =
        span(number, 1, 0, SpanKind::Server, &[("url.path", "/checkout/pay"), ("serin.arm", "canary")]);
    let json = serde_json::to_vec(&request(&[("service.name", "shop")], vec![served])).unwrap();
    let (head, answer) = post(address(server), "/v1/traces", JSON, &json).await;
    assert_eq!((status(&head), &answer[..]), (200, &b"{}"[..]), "{head}");
}

async fn component(admin: &mut Admin, name: &str) -> KnownComponent {
    let request = ListComponentsRequest { service: "shop".to_owned() };
    let all = admin.list_components(request).await.unwrap().into_inner().components;
    all.into_iter().find(|one| one.name == name).unwrap()
}

/// Reports each second that checkout and cart fail on the canary alike.
async fn fail_both(mut fleet: Fleet) {
    let mut seq = 0;
    loop {
        let second = now_second();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let strata = [("checkout", 12), ("cart", 12), ("home", 0)].map(|(name, errors)| {
            stratum("shop", name, second, vec![arm("baseline", 160, 0), arm("canary", 40, errors)])
        });
        seq += 1;
        if fleet.report(report("envoy-1", seq, strata.to_vec())).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_takes_observed_calls_and_names_the_callee_where_both_fail() {
    let server = server("").await;
    let mut admin = server.admin().await;
    let first = begin(&mut admin, plan("")).await;
    checkout_calls_cart(&server, 1).await;
    checkout_calls_cart(&server, 2).await;
    let checkout = component(&mut admin, "checkout").await;
    let [calls] = &checkout.calls[..] else { panic!("{checkout:?}") };
    assert_eq!((calls.needed.as_str(), calls.calls, calls.canary, calls.canary_only), ("cart", 2, 2, true));
    assert_eq!(calls.standing(), CallStanding::Undeclared);
    let (_, json) = text(server.addresses().http, "/api/components?service=shop").await;
    assert!(json.contains(r#""canary_only":true"#), "{json}");

    end(&mut admin, &first.id).await;
    let second = begin(&mut admin, plan("escalation: {traffic: 100%}\n")).await;
    assert_eq!(
        second.taken.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(),
        ["checkout: depends_on cart (stay) by 2 observed calls, all of the canary"]
    );
    let checkout = component(&mut admin, "checkout").await;
    assert_eq!((checkout.calls[0].standing(), checkout.depends_on.len()), (CallStanding::Taken, 0));
    assert!(!checkout.calls[0].canary_only, "arms are told apart anew");

    let traffic = tokio::spawn(fail_both(server.fleet().await));
    let is_returned = |rollout: &Rollout| rollout.components.iter().any(|one| one.rolled_back);
    let rollout = eventually(&mut admin, &second.id, is_returned).await;
    traffic.abort();
    let returned = rollout.components.iter().filter(|one| one.rolled_back);
    assert_eq!(returned.map(|one| one.name.as_str()).collect::<Vec<_>>(), ["cart"], "{rollout:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_observed_calls_mean_and_a_restart_keeps_what_was_taken() {
    let server = server("").await;
    let mut admin = server.admin().await;
    let first = begin(&mut admin, plan("")).await;
    checkout_calls_cart(&server, 1).await;
    end(&mut admin, &first.id).await;
    let ignoring = begin(&mut admin, plan("observed_calls: ignore\n")).await;
    assert_eq!(ignoring.taken, []);
    end(&mut admin, &ignoring.id).await;
    let moving = begin(&mut admin, plan("observed_calls: move\n")).await;
    assert_eq!(moving.taken[0].text, "checkout: depends_on cart by 1 observed call");
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    assert_eq!(component(&mut admin, "checkout").await.calls, [], "calls are learned anew");
    let (id, component, reason) = (moving.id, "cart".to_owned(), "bad".to_owned());
    let rollback = RollbackRequest { id, component, reason, ..RollbackRequest::default() };
    let rollout = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
    let returned = rollout.components.iter().filter(|one| one.rolled_back);
    assert_eq!(returned.map(|one| one.name.as_str()).collect::<Vec<_>>(), ["checkout", "cart"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_answered_and_counted_as_log_records_are() {
    let server = server("").await;
    begin(&mut server.admin().await, plan("")).await;
    let shop = [("service.name", "shop")];
    let old = Span { end_time_unix_nano: 1, ..span(1, 5, 0, SpanKind::Server, &[]) };
    let mixed = request(
        &shop,
        vec![
            span(1, 1, 0, SpanKind::Server, &[("serin.component", "cart")]),
            span(1, 1, 0, SpanKind::Server, &[("serin.component", "cart")]),
            span(1, 2, 1, SpanKind::Internal, &[]),
            span(1, 3, 1, SpanKind::Server, &[("serin.component", "gone")]),
            span(1, 0, 1, SpanKind::Server, &[]),
            old,
        ],
    );
    let packed = traces(&server).await.send_compressed(CompressionEncoding::Gzip);
    let answer = packed.clone().export(mixed.clone()).await.unwrap().into_inner();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 3, "{partial:?}");
    assert!(
        partial.error_message.contains("1 spans name in serin.component what is no component"),
        "{partial:?}"
    );
    for (result, spans) in [
        ("placed", 1),
        ("repeated", 1),
        ("unplaced", 1),
        ("unknown_component", 1),
        ("no_id", 1),
        ("out_of_time", 1),
    ] {
        assert_eq!(metric(&server, "spans", result).await, spans, "{result}");
    }
    let head = format!("{PROTOBUF}content-encoding: gzip\r\n");
    let (head, answer) = post(address(&server), "/v1/traces", &head, &gzip(&mixed.encode_to_vec())).await;
    assert_eq!(status(&head), 200, "{head}");
    let answer = ExportTraceServiceResponse::decode(&answer[..]).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 2, "what came before is repeated");
    let json = serde_json::to_vec(&request(&shop, vec![Span::default(); 9])).unwrap();
    let (_, answer) = post(address(&server), "/v1/traces", JSON, &json).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "9");

    for (headers, body, code, words) in [
        (PROTOBUF, &b"not protobuf"[..], 400, "ExportTraceServiceRequest"),
        (JSON, b"{\"resourceSpans\":3}", 400, "a list"),
        ("content-type: text/plain\r\n", b"{}", 415, "content-type"),
        (PROTOBUF, &vec![0; 4 * 1024 * 1024 + 1][..], 413, "smaller batches"),
    ] {
        let (head, answer) = post(address(&server), "/v1/traces", headers, body).await;
        assert_eq!(status(&head), code, "{head}");
        assert!(String::from_utf8_lossy(&answer).contains(words), "{head} {answer:?}");
    }
    let huge = request(&[("service.name", &"x".repeat(5 * 1024 * 1024))], vec![Span::default()]);
    assert_eq!(traces(&server).await.export(huge).await.unwrap_err().code(), Code::OutOfRange);
}

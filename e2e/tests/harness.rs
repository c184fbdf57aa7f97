//! The harness itself, against a real Envoy.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use serin_e2e::bootstrap::{
    BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER, Route, arm_routes, lua_filter,
    retry_on, weighted_routes,
};
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::http;
use serin_e2e::load::{Load, Plan, Target};
use serin_e2e::ports::Port;
use serin_e2e::sample::{self, Sample, fault};
use serin_e2e::workspace::Workspace;

/// Two versions of the shop and a bootstrap that leads to them.
struct Shop {
    workspace: Workspace,
    folder: PathBuf,
    baseline: Sample,
    canary: Sample,
}

impl Shop {
    async fn open(name: &str) -> Self {
        let workspace = Workspace::locate().unwrap();
        let folder = workspace.scratch(name).unwrap();
        let version = |label: &str| {
            let settings = sample::Settings::version(label);
            Sample::start_anywhere(sample::Settings { median_latency: Duration::ZERO, ..settings })
        };
        Self {
            workspace,
            folder,
            baseline: version("v1").await.unwrap(),
            canary: version("v2").await.unwrap(),
        }
    }

    /// The shipped bootstrap, with nobody at the control plane's address.
    fn bootstrap(&self, nobody: &Port) -> Bootstrap {
        Bootstrap::shipped(&self.workspace)
            .and_then(|bootstrap| bootstrap.cluster_at(BASELINE_CLUSTER, self.baseline.address()))
            .and_then(|bootstrap| bootstrap.cluster_at(CANARY_CLUSTER, self.canary.address()))
            .and_then(|bootstrap| bootstrap.cluster_at(CONTROL_PLANE_CLUSTER, nobody.address()))
            .unwrap()
    }

    async fn envoy(&self, bootstrap: Bootstrap) -> Envoy {
        Envoy::start(&self.workspace, &Settings::named("envoy"), bootstrap, &self.folder).await.unwrap()
    }
}

async fn version(envoy: &Envoy, path: &str, headers: &[(&str, &str)]) -> String {
    http::get(envoy.address(), path, headers).await.unwrap().header("x-version").unwrap_or("none").to_owned()
}

#[tokio::test]
async fn the_shipped_bootstrap_serves_the_baseline_without_a_control_plane_and_strips_spoofed_headers() {
    let shop = Shop::open("cold-start").await;
    let nobody = Port::reserve().unwrap();
    let envoy = shop.envoy(shop.bootstrap(&nobody)).await;
    assert_eq!(version(&envoy, "/home", &[]).await, "v1");
    for _ in 0..20 {
        assert_eq!(
            version(&envoy, "/home", &[("x-serin-arm", "canary"), ("X-Serin-Arm", "canary")]).await,
            "v1"
        );
    }
    assert_eq!(shop.canary.stats().total(|_| true), 0);
    assert_eq!(shop.baseline.stats().total(|key| key.arm.is_some()), 0);
    assert_eq!(envoy.admin().stat("cluster.baseline.upstream_rq_completed").await.unwrap(), 21);
    assert_eq!(envoy.admin().stat("vhost.shop.route.baseline.upstream_rq_2xx").await.unwrap(), 21);
    envoy.stop().await.unwrap();
}

#[tokio::test]
async fn a_filter_that_sets_the_arm_header_chooses_the_route() {
    let shop = Shop::open("arm-header").await;
    let nobody = Port::reserve().unwrap();
    let by_query = lua_filter(
        "function envoy_on_request(h)\n\
           if h:headers():get(':path') == '/orders/7' then h:headers():replace('x-serin-arm', 'canary') h:clearRouteCache() end\n\
         end",
    );
    let routes = arm_routes(&[Route::prefix("orders", "/orders"), Route::prefix("rest", "/")]);
    let bootstrap = shop.bootstrap(&nobody).filters(vec![by_query]).unwrap().routes(routes).unwrap();
    let envoy = shop.envoy(bootstrap).await;
    assert_eq!(version(&envoy, "/orders/7", &[]).await, "v2");
    assert_eq!(version(&envoy, "/orders/8", &[]).await, "v1");
    assert_eq!(envoy.admin().stat("vhost.shop.route.orders_canary.upstream_rq_2xx").await.unwrap(), 1);
    let stats = shop.canary.stats();
    assert_eq!(stats.total(|key| key.arm.as_deref() == Some("canary")), stats.total(|_| true));
}

#[tokio::test]
async fn a_session_cookie_is_set_only_where_the_filter_state_asks_for_one() {
    let shop = Shop::open("cookie").await;
    let nobody = Port::reserve().unwrap();
    // Stands in for the filter: it alone writes this filter state in production.
    let issue = json!({
        "name": "issue",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "wasm.serin.set_cookie",
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": "%REQ(x-wanted-cookie)%"}, "omit_empty_values": true},
                "skip_if_empty": true,
            }],
        },
    });
    let envoy = shop.envoy(shop.bootstrap(&nobody).filters(vec![issue]).unwrap()).await;
    let without = http::get(envoy.address(), "/home", &[]).await.unwrap();
    assert_eq!((without.status(), without.header("set-cookie")), (200, None));
    let cookie = "serin=1f2e3d; Path=/; Max-Age=60; HttpOnly";
    let with = http::get(envoy.address(), "/home", &[("x-wanted-cookie", cookie)]).await.unwrap();
    assert_eq!(with.header("set-cookie"), Some(cookie));
}

#[tokio::test]
async fn weighted_routes_split_by_weight_and_retries_mask_failures() {
    let shop = Shop::open("weighted").await;
    let nobody = Port::reserve().unwrap();
    shop.baseline.set_faults(fault::Faults::one("*", 0.2, fault::Kind::Status(503)));
    let bootstrap = shop
        .bootstrap(&nobody)
        .filters(vec![])
        .and_then(|bootstrap| bootstrap.routes(weighted_routes(&[Route::prefix("all", "/")], 10)))
        .and_then(|bootstrap| bootstrap.retry_policy(retry_on("5xx", 5)))
        .unwrap();
    let envoy = shop.envoy(bootstrap).await;
    let mut plan = Plan::of_shop(envoy.address(), 1_000.0).at_most(2_000);
    plan.max_in_flight = 2_000;
    let summary = Load::start(plan).unwrap().finish().await.unwrap();
    assert_eq!((summary.total(|_| true), summary.not_sent), (2_000, 0));
    let failed = summary.total(|key| key.status.is_failure());
    let failed_upstream = shop.baseline.stats().total(|key| key.status == "503");
    // Envoy allows three retries at once, so under load a few failures reach the client.
    assert!(failed_upstream > 200 && failed < failed_upstream / 4, "{failed} of {failed_upstream}");
    let canary = summary.total(|key| key.version.as_deref() == Some("v2"));
    // 10 % of 2,000, raised by retries that land there, ± 5 standard deviations.
    assert!((130..=330).contains(&canary), "{canary} of 2,000 went to the canary");
}

#[tokio::test]
async fn http_grpc_and_broken_answers_pass_through_envoy_and_are_told_apart() {
    let shop = Shop::open("kinds").await;
    let nobody = Port::reserve().unwrap();
    let envoy = shop.envoy(shop.bootstrap(&nobody)).await;
    let grpc = |kind: &str| Target {
        method: hyper::Method::POST,
        grpc: true,
        ..Target::get(sample::GRPC_METHOD).header(sample::FAULT_HEADER, kind)
    };
    let targets = vec![
        Target::get("/home"),
        Target::get("/cart").header(sample::FAULT_HEADER, r#""reset""#),
        grpc(r#"{"grpc_status":0}"#),
        Target { route: "trailers".to_owned(), ..grpc(r#"{"grpc_status":13}"#) },
        Target { route: "trailers-only".to_owned(), ..grpc(r#"{"grpc_status_trailers_only":14}"#) },
    ];
    let plan = Plan { targets, ..Plan::of_shop(envoy.address(), 500.0) }.at_most(300);
    let summary = Load::start(plan).unwrap().finish().await.unwrap();
    let kinds: BTreeMap<String, String> = summary
        .counts
        .keys()
        .map(|key| (key.route.clone(), format!("{:?} from {:?}", key.status, key.version.as_deref())))
        .collect();
    let expected = [
        ("/cart", "Http(503) from None"),
        ("/home", "Http(200) from Some(\"v1\")"),
        (sample::GRPC_METHOD, "Grpc(0) from Some(\"v1\")"),
        ("trailers", "Grpc(13) from Some(\"v1\")"),
        ("trailers-only", "Grpc(14) from Some(\"v1\")"),
    ];
    assert_eq!(kinds, expected.map(|(route, kind)| (route.to_owned(), kind.to_owned())).into());
    assert_eq!(summary.counts.len(), expected.len(), "{:?}", summary.counts);
    assert_eq!(summary.unanswered(|key| key.route == "/cart"), 0);
    assert!(summary.unanswered(|_| false) > 0);
}

#[tokio::test]
async fn an_envoy_that_refuses_its_configuration_is_reported_with_its_own_words() {
    let shop = Shop::open("refused").await;
    let nobody = Port::reserve().unwrap();
    let routes = vec![json!({"match": {"prefix": "/"}, "route": {"cluster": "no-such-cluster"}})];
    let bootstrap = shop.bootstrap(&nobody).routes(routes).unwrap();
    let error =
        Envoy::start(&shop.workspace, &Settings::named("envoy"), bootstrap, &shop.folder).await.unwrap_err();
    assert!(error.to_string().contains("no-such-cluster"), "{error}");
}

#[tokio::test]
async fn cpu_time_of_envoy_grows_with_the_requests_that_it_serves() {
    let shop = Shop::open("cpu").await;
    let nobody = Port::reserve().unwrap();
    let envoy = shop.envoy(shop.bootstrap(&nobody)).await;
    let before = envoy.cpu_time().unwrap();
    Load::start(Plan::of_shop(envoy.address(), 2_000.0).at_most(2_000)).unwrap().finish().await.unwrap();
    let used = envoy.cpu_time().unwrap() - before;
    assert!(used > Duration::from_millis(20) && used < Duration::from_secs(5), "{used:?}");
}

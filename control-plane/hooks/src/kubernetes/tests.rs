mod objects;
mod server;

use std::time::Instant;

use serin_outside::{AddressPolicy, Roots};
use serin_rollout::HookOutcome;
use serin_rollout::plan::{RouteKind, RoutePatch, RouteVersion, Share};

use super::*;
use objects::{CART, HTTP_ROUTE, SERVICE, all};
use server::{Server, Then};

const LONG: Duration = Duration::from_secs(30);

fn told() -> Told {
    Told::sample("on_rollback", "undo")
}

fn cluster_with(url: &str, token: Option<Token>, permit: &[&str], deadline: Duration) -> Cluster {
    let policy = AddressPolicy::new(permit.iter().map(|network| network.parse().unwrap()).collect());
    let access = Access { url: url.parse().unwrap(), roots: None, token, identity: None };
    Cluster::new(access, policy, &Roots::system(), vec!["shop".to_owned()], deadline).unwrap()
}

fn cluster(server: &Server) -> Cluster {
    cluster_with(&server.url, None, &["127.0.0.0/8"], LONG)
}

fn order(act: KubernetesAct) -> Kubernetes {
    Kubernetes { target: "prod".to_owned(), namespace: "shop".to_owned(), act }
}

fn undo() -> Kubernetes {
    order(KubernetesAct::Undo { deployment: "cart".to_owned(), revision: None })
}

fn scale(replicas: u32) -> Kubernetes {
    order(KubernetesAct::Scale { deployment: "cart".to_owned(), replicas })
}

fn patch(kind: RouteKind) -> Kubernetes {
    let (name, subsets) = match kind {
        RouteKind::VirtualService => ("shop", [Some("v1".to_owned()), Some("v2".to_owned())]),
        RouteKind::HttpRoute => ("shop", [None, None]),
    };
    let to = |index: usize| match kind {
        RouteKind::VirtualService => "cart".to_owned(),
        RouteKind::HttpRoute => format!("cart-v{}", index + 1),
    };
    let weights = subsets.into_iter().zip([100, 0]).enumerate();
    let weights = weights.map(|(index, (subset, weight))| Share { to: to(index), subset, weight }).collect();
    let (version, name) = (RouteVersion::V1, name.to_owned());
    order(KubernetesAct::Patch(RoutePatch { kind, version, name, route: None, weights }))
}

/// Each action, where its object is, what it says, and the objects that it leads to.
fn acts() -> Vec<(Kubernetes, &'static str, &'static str, Value)> {
    let (mut undone, mut scaled) = (objects::deployment(), objects::deployment());
    undone["spec"]["template"] = objects::template("v1");
    undone["metadata"]["annotations"]["serin/undone-for"] = "shop-1".into();
    undone["metadata"]["annotations"]["kubernetes.io/change-cause"] = "first".into();
    scaled["spec"]["replicas"] = 0.into();
    let (mut service, mut route) = (objects::virtual_service(), objects::http_route());
    service["spec"]["http"][1]["route"][0]["weight"] = 100.into();
    service["spec"]["http"][1]["route"][1]["weight"] = 0.into();
    route["spec"]["rules"][0]["backendRefs"][0]["weight"] = 100.into();
    route["spec"]["rules"][0]["backendRefs"][1]["weight"] = 0.into();
    vec![
        (undo(), CART, "prod: Deployment shop/cart: put back to revision 1, shop/cart:v1", undone),
        (scale(0), CART, "prod: Deployment shop/cart: scaled from 3 to 0 replicas", scaled),
        (
            patch(RouteKind::VirtualService),
            SERVICE,
            "prod: VirtualService shop/shop: spec.http[1]: cart/v1 from 90 to 100, spec.http[1]: cart/v2 from 10 to 0",
            service,
        ),
        (
            patch(RouteKind::HttpRoute),
            HTTP_ROUTE,
            "prod: HTTPRoute shop/shop: spec.rules[0]: cart-v1 from 9 to 100, spec.rules[0]: cart-v2 from none to 0",
            route,
        ),
    ]
}

async fn run(cluster: &Cluster, order: &Kubernetes, tries: u32) -> Tried {
    perform(cluster, order, &told(), LONG, tries).await
}

/// All of an object but what a server sets.
fn content(mut object: Value) -> Value {
    object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    object
}

#[tokio::test]
async fn each_action_changes_what_it_says_and_no_other_field_and_nothing_when_it_is_repeated() {
    for (order, path, words, wanted) in acts() {
        let server = Server::start(&all()).await;
        let cluster = cluster(&server);
        let tried = run(&cluster, &order, 1).await;
        assert_eq!((tried.outcome, tried.attempts), (HookOutcome::Succeeded, 1), "{}", tried.output);
        assert_eq!(tried.output, words);
        assert_eq!(content(server.object(path)), wanted, "{order}");
        for _ in 0..2 {
            let tried = run(&cluster, &order, 1).await;
            assert_eq!(tried.outcome, HookOutcome::Succeeded, "{}", tried.output);
            assert!(tried.output.contains(": already so: "), "{}", tried.output);
        }
        assert_eq!((server.writes(), content(server.object(path))), (1, wanted), "{order}");
        for seen in server.seen() {
            let is_put = seen.method == "PUT";
            assert!(is_put || seen.method == "GET", "{} {}", seen.method, seen.target);
            assert_eq!(seen.headers.get("accept").unwrap(), "application/json");
            assert!(!is_put || seen.target.ends_with("?&fieldManager=serin"), "{}", seen.target);
            assert_eq!(seen.body.is_empty(), !is_put);
        }
        for (path, object) in all().into_iter().filter(|(other, _)| *other != path) {
            assert_eq!(content(server.object(path)), object, "{path} after {order}");
        }
    }
}

/// A name, what the server does, request by request and after that, and how the action ends: with what, after how many attempts.
type Case = (&'static str, Vec<Then>, Option<Then>, (HookOutcome, u32, &'static str));

const WELL: HookOutcome = HookOutcome::Succeeded;
const BADLY: HookOutcome = HookOutcome::Failed;

fn refusals() -> Vec<Case> {
    vec![
        ("a conflict", vec![Then::Serve, Then::Foreign], None, (WELL, 1, "scaled from 3 to 0")),
        (
            "five conflicts",
            vec![[Then::Serve, Then::Status(409, None)]; 5].concat(),
            None,
            (WELL, 1, "scaled"),
        ),
        (
            "conflicts without end",
            vec![],
            Some(Then::Status(409, None)),
            (BADLY, 2, "it kept being changed by somebody else: not today"),
        ),
        ("too many requests", vec![Then::Status(429, Some(1))], None, (WELL, 2, "scaled")),
        ("an error when writing", vec![Then::Serve, Then::Status(500, None)], None, (WELL, 2, "scaled")),
        (
            "errors without end",
            vec![],
            Some(Then::Status(503, None)),
            (BADLY, 2, "the server answers 503: not today"),
        ),
        ("no right", vec![Then::Status(403, None)], None, (BADLY, 1, "the server answers 403: not today")),
        ("no token", vec![Then::Status(401, None)], None, (BADLY, 1, "the server answers 401: not today")),
        ("no such object", vec![Then::Status(404, None)], None, (BADLY, 1, "the server answers 404")),
        ("a redirect", vec![Then::Status(302, None)], None, (BADLY, 1, "the server answers 302")),
    ]
}

fn oddities() -> Vec<Case> {
    let say = |text: &str| Then::Say(text.as_bytes().to_vec());
    let huge = Then::Say(vec![b' '; 17 << 20]);
    vec![
        ("hanging", vec![], Some(Then::HangBefore), (BADLY, 2, "no answer within 1s")),
        ("hanging once", vec![Then::HangBefore], None, (WELL, 2, "scaled")),
        (
            "hanging once it was done",
            vec![Then::Serve, Then::HangAfter],
            None,
            (WELL, 2, "already so: 0 replicas"),
        ),
        (
            "another language",
            vec![],
            Some(say("<html>")),
            (BADLY, 2, "the answer is no Scale: expected value"),
        ),
        (
            "another object",
            vec![],
            Some(say(r#"{"kind": "Pod", "metadata": {"name": "cart"}}"#)),
            (BADLY, 2, "the answer is no Scale: it is Pod cart"),
        ),
        (
            "an object without a version",
            vec![],
            Some(say(r#"{"kind": "Scale", "metadata": {"name": "cart"}, "spec": {}}"#)),
            (BADLY, 2, "it has no metadata.resourceVersion"),
        ),
        ("an answer without end", vec![huge], None, (BADLY, 1, "the answer exceeds 16777216 bytes")),
        (
            "a write that is not kept",
            vec![Then::Serve, Then::Ignore],
            None,
            (BADLY, 1, "the server took the write and keeps something else"),
        ),
    ]
}

#[tokio::test]
async fn whatever_the_server_does_wrong_ends_in_a_named_state() {
    let mut running = tokio::task::JoinSet::new();
    for (name, script, always, expected) in refusals().into_iter().chain(oddities()) {
        running.spawn(async move {
            let server = Server::start(&all()).await;
            server.script(&script, always);
            let deadline = if name.starts_with("hanging") { Duration::from_secs(1) } else { LONG };
            let cluster = cluster_with(&server.url, None, &["127.0.0.0/8"], deadline);
            let began = Instant::now();
            let tried = run(&cluster, &scale(0), 2).await;
            let (outcome, attempts, words) = expected;
            assert_eq!((tried.outcome, tried.attempts), (outcome, attempts), "{name}: {}", tried.output);
            assert!(tried.output.starts_with("prod: Deployment shop/cart: "), "{name}: {}", tried.output);
            assert!(tried.output.contains(words), "{name}: {}", tried.output);
            assert!(began.elapsed() < LONG, "{name}: {:?}", began.elapsed());
            if name == "too many requests" {
                assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
            }
            let replicas = server.object(CART)["spec"]["replicas"].as_u64().unwrap();
            assert_eq!(replicas, if outcome == HookOutcome::Succeeded { 0 } else { 3 }, "{name}");
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn an_attempt_ends_within_its_time_whatever_a_single_call_may_take() {
    let server = Server::start(&all()).await;
    server.script(&[], Some(Then::HangBefore));
    let tried = perform(&cluster(&server), &undo(), &told(), Duration::from_millis(200), 1).await;
    assert_eq!(tried.output, "prod: Deployment shop/cart: no answer within 200ms");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_permitted_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let tried = run(&cluster_with(&url, None, &["127.0.0.0/8"], LONG), &undo(), 2).await;
    assert_eq!((tried.outcome, tried.attempts), (HookOutcome::Failed, 2));
    assert!(tried.output.starts_with("prod: Deployment shop/cart: cannot connect: "), "{}", tried.output);
    let server = Server::start(&all()).await;
    let tried = run(&cluster_with(&server.url, None, &[], LONG), &undo(), 3).await;
    assert_eq!((tried.outcome, tried.attempts), (HookOutcome::Failed, 1));
    assert!(tried.output.ends_with("127.0.0.1 is loopback and not in outside.permit"), "{}", tried.output);
    assert_eq!(server.seen().len(), 0);
}

/// A process that is killed leaves its last request under way: the server did nothing of it, or all.
#[tokio::test]
async fn killed_at_any_request_and_repeated_each_action_ends_as_wanted_with_one_write() {
    for (order, path, _, wanted) in acts() {
        let requests = if matches!(order.act, KubernetesAct::Undo { .. }) { 3 } else { 2 };
        for (step, then) in (0..requests).flat_map(|step| [(step, Then::HangBefore), (step, Then::HangAfter)])
        {
            let server = Server::start(&all()).await;
            let mut script = vec![Then::Serve; step];
            script.push(then.clone());
            server.script(&script, None);
            let (cluster, killed) = (cluster(&server), order.clone());
            let again = cluster.clone();
            let running = tokio::spawn(async move { run(&cluster, &killed, 3).await.output });
            server.has_seen(step + 1).await;
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled(), "{order}, {then:?} at {step}");
            let tried = run(&again, &order, 1).await;
            assert_eq!(tried.outcome, HookOutcome::Succeeded, "{then:?} at {step}: {}", tried.output);
            assert_eq!(content(server.object(path)), wanted, "{order}, {then:?} at {step}");
            assert_eq!(server.writes(), 1, "{order}, {then:?} at {step}");
        }
    }
}

#[tokio::test]
async fn what_somebody_else_writes_in_between_is_kept() {
    for (order, path, _, mut wanted) in acts() {
        let server = Server::start(&all()).await;
        let reads = if matches!(order.act, KubernetesAct::Undo { .. }) { 2 } else { 1 };
        let mut script = vec![Then::Serve; reads];
        script.push(Then::Foreign);
        server.script(&script, None);
        let tried = run(&cluster(&server), &order, 1).await;
        assert_eq!((tried.outcome, tried.attempts), (HookOutcome::Succeeded, 1), "{}", tried.output);
        wanted["metadata"]["annotations"]["somebody"] = "else".into();
        assert_eq!(content(server.object(path)), wanted, "{order}");
    }
}

#[tokio::test]
async fn a_deployment_goes_back_once_for_each_rollout_whoever_asks_again() {
    let server = Server::start(&all()).await;
    let cluster = cluster(&server);
    for (round, hook) in [(1, "undo"), (2, "undo"), (1, "another")] {
        let key = format!("shop-1/on_rollback/{hook}/0/{round}");
        let told = Told { round, hook: hook.to_owned(), key, ..told() };
        let tried = perform(&cluster, &undo(), &told, LONG, 1).await;
        assert_eq!(tried.outcome, HookOutcome::Succeeded, "{}", tried.output);
        assert_eq!(server.writes(), 1, "{hook} {round}: {}", tried.output);
    }
}

#[tokio::test]
async fn a_namespace_that_is_not_allowed_gets_no_request() {
    let server = Server::start(&all()).await;
    let elsewhere = Kubernetes { namespace: "kube-system".to_owned(), ..undo() };
    let tried = run(&cluster(&server), &elsewhere, 3).await;
    let words = "prod: Deployment kube-system/cart: its namespace is none of those that the server's \
                 configuration allows: shop";
    assert_eq!((tried.outcome, tried.attempts, tried.output.as_str()), (HookOutcome::Failed, 1, words));
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_token_is_read_anew_for_each_request_and_never_told() {
    let server = Server::start(&all()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first-secret\n").unwrap();
    let token = Token::File(path.clone());
    let cluster = cluster_with(&server.url, Some(token), &["127.0.0.0/8"], LONG);
    server.script(&[], Some(Then::Status(403, None)));
    let first = run(&cluster, &undo(), 1).await;
    std::fs::write(&path, "second-secret").unwrap();
    run(&cluster, &undo(), 1).await;
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer first-secret", "Bearer second-secret"]);
    assert!(!format!("{first_words} {cluster:?}", first_words = first.output).contains("secret"));
    std::fs::remove_file(&path).unwrap();
    let tried = run(&cluster, &undo(), 1).await;
    assert!(tried.output.contains("token: No such file"), "{}", tried.output);
    let fixed = Token::Fixed(crate::Secret("third-secret".to_owned()));
    assert_eq!(format!("{fixed:?}"), "Fixed(_)");
}

#[tokio::test]
async fn the_path_of_a_server_stands_before_that_of_the_object() {
    let server = Server::start(&all()).await;
    let url = format!("{}/k8s/clusters/c-1/", server.url);
    let tried = run(&cluster_with(&url, None, &["127.0.0.0/8"], LONG), &scale(1), 1).await;
    assert!(tried.output.contains("the server answers 404"), "{}", tried.output);
    let target = "/k8s/clusters/c-1/apis/apps/v1/namespaces/shop/deployments/cart/scale";
    assert_eq!(server.seen().first().unwrap().target, target);
}

//! Which component and which arm a request gets, on a real Envoy: every kind of match and rule, and how they compose.

use serde_json::{Value, json};

use crate::support::assignment;
use crate::support::crowd::{Ask, Client, version, versions_of_users};
use crate::support::scene::{BASELINE_VERSION, CANARY_VERSION, Stage, routes};

/// A request, the component it belongs to and the version that must answer.
struct Case {
    ask: Ask,
    component: &'static str,
    version: &'static str,
}

fn canary(component: &'static str, ask: Ask) -> Case {
    Case { ask, component, version: CANARY_VERSION }
}

fn baseline(component: &'static str, ask: Ask) -> Case {
    Case { ask, component, version: BASELINE_VERSION }
}

/// Puts an assignment in place, asks every case and compares the arm that was served and the component and arm that
/// were recorded.
async fn check(stage: &Stage, assignment: &Value, cases: &[Case]) {
    stage.assign(assignment).await;
    let client = Client::new();
    for case in cases {
        let before = stage.stand_in.totals();
        let answer = client.ask(stage.envoy.address(), &case.ask).await.unwrap();
        let served = answer.header("x-version").unwrap_or("nobody");
        assert_eq!(served, case.version, "{:?} was answered by", case.ask);
        let after = stage.stand_in.reported(before.all().finished() + 1).await;
        let arm = if case.version == CANARY_VERSION { "canary" } else { "baseline" };
        let series = (case.component.to_owned(), arm.to_owned());
        let changed: Vec<_> = after
            .counts
            .iter()
            .filter(|(series, counts)| before.counts.get(*series) != Some(counts))
            .collect();
        assert_eq!(
            changed.iter().map(|(series, _)| *series).collect::<Vec<_>>(),
            [&series],
            "{:?}",
            case.ask
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_belongs_to_the_component_with_the_longest_match() {
    let named = routes(&[("admin-route", "/admin"), ("rest", "/")]);
    let stage = Stage::with("matches", 2, |bootstrap| bootstrap.routes(named).unwrap()).await;
    let components = json!([
        {"name": "home", "matches": [{"path": {"exact": "/home"}}]},
        {"name": "orders", "matches": [{"path": {"prefix": "/orders"}}]},
        {"name": "order", "matches": [{"path": {"template": "/orders/{id}"}}]},
        {"name": "invoice", "matches": [{"path": {"template": "/orders/{id}/invoice"}}]},
        {"name": "order-new", "matches": [{"path": {"exact": "/orders/new"}}]},
        {"name": "order-delete", "matches": [{"methods": ["DELETE"], "path": {"template": "/orders/{id}"}}]},
        {"name": "api", "matches": [{"hosts": ["api.example"]}]},
        {"name": "any-api", "matches": [{"hosts": ["*.api.example"]}]},
        {"name": "mobile", "matches": [{"headers": [{"name": "X-Client", "exact": "mobile"}], "path": {"prefix": "/cart"}}]},
        {"name": "web", "matches": [{"headers": [{"name": "x-client", "prefix": "web-"}], "path": {"prefix": "/cart"}}]},
        {"name": "known", "matches": [{"headers": [{"name": "x-client", "present": true}], "path": {"prefix": "/cart"}}]},
        {"name": "admin", "matches": [{"route_name": "admin-route"}]},
        {"name": "two", "matches": [{"path": {"exact": "/login"}}, {"path": {"exact": "/account"}}]}
    ]);
    // All traffic of the ring goes to the canary, so that the components are seen in both arms.
    let assignment = assignment::of_shop(1_000_000, &json!({"components": components}));
    let get = |path: &str| Ask::get(path).user("ann");
    check(
        &stage,
        &assignment,
        &[
            canary("home", get("/home")),
            canary("home", get("/home?x=/orders")),
            canary("unmatched", get("/home/")),
            canary("unmatched", get("/homes")),
            canary("orders", get("/orders")),
            canary("orders", get("/orders/7/items/2")),
            canary("unmatched", get("/orders2")),
            canary("order", get("/orders/7")),
            canary("order", get("/orders/7?a=b")),
            canary("order-new", get("/orders/new")),
            canary("invoice", get("/orders/7/invoice")),
            canary("order-delete", get("/orders/7").method("DELETE")),
            canary("api", get("/nowhere").header("host", "api.example")),
            canary("api", get("/nowhere").header("host", "API.example:8080")),
            canary("any-api", get("/nowhere").header("host", "eu.api.example")),
            canary("unmatched", get("/nowhere").header("host", "api.example.org")),
            canary("mobile", get("/cart").header("x-client", "mobile")),
            canary("web", get("/cart").header("x-client", "web-7")),
            canary("known", get("/cart").header("x-client", "watch")),
            canary("unmatched", get("/cart").header("x-client", "")),
            canary("admin", get("/admin/users")),
            canary("two", get("/login")),
            canary("two", get("/account")),
            canary("unmatched", get("/")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_routing_rule_takes_its_requests_and_the_earlier_kind_wins() {
    let stage = Stage::open("rules", 2).await;
    let more = json!({
        "rules": [
            // Out of order on purpose: the kind decides, then the place in the list.
            {"when": {"geo": {"header": "x-geo-country", "values": ["nl", "BE"]}}, "arm": "canary"},
            {"when": {"attribute": {"name": "x-plan", "prefix": "gold"}}, "arm": "canary"},
            {"when": {"users": ["ann", "bob"]}, "arm": "canary"},
            {"when": {"attribute": {"name": "x-tenant", "exact": "acme"}}, "arm": "baseline"},
            {"when": {"cookie": {"name": "beta", "exact": "1"}}, "arm": "canary"},
            {"when": {"header": {"name": "x-stable", "present": true}}, "arm": "baseline"},
            {"when": {"header": {"name": "x-beta", "exact": "yes"}}, "arm": "canary"},
            {"when": {"header": {"name": "x-stable", "present": true}}, "arm": "canary"}
        ],
        "components": [
            {"name": "pinned", "matches": [{"path": {"exact": "/home"}}], "pinned": "baseline"},
            {"name": "forced", "matches": [{"path": {"exact": "/search"}}], "pinned": "canary"},
            {"name": "cart", "matches": [{"path": {"exact": "/cart"}}]}
        ]
    });
    let get = || Ask::get("/cart");
    check(
        &stage,
        &assignment::of_shop(0, &more),
        &[
            baseline("cart", get()),
            // Component override, before everything.
            baseline("pinned", Ask::get("/home").header("x-beta", "yes").user("ann")),
            canary("forced", Ask::get("/search").header("x-stable", "1")),
            // Header and cookie, in the order of the list.
            canary("cart", get().header("x-beta", "yes")),
            canary("cart", get().header("X-Beta", "yes")),
            baseline("cart", get().header("x-beta", "no")),
            canary("cart", get().header("cookie", "a=b; beta=1; c=d")),
            baseline("cart", get().header("cookie", "beta=2")),
            baseline("cart", get().header("cookie", "alphabeta=1")),
            baseline("cart", get().header("x-stable", "1").header("x-beta", "yes")),
            canary("cart", get().header("x-stable", "1").header("cookie", "beta=1")),
            baseline("cart", get().header("x-stable", "1").user("ann")),
            baseline("cart", get().header("x-stable", "1").header("x-geo-country", "NL")),
            // User lists and attributes, in the order of the list.
            canary("cart", get().user("ann")),
            canary("cart", get().user("bob").header("x-tenant", "acme")),
            baseline("cart", get().user("carl")),
            baseline("cart", get().user("Ann")),
            canary("cart", get().header("x-plan", "gold-2026").header("x-tenant", "acme")),
            baseline("cart", get().header("x-plan", "silver")),
            baseline("cart", get().header("x-tenant", "acme").header("x-geo-country", "NL")),
            // Geo, whatever the case.
            canary("cart", get().header("x-geo-country", "NL")),
            canary("cart", get().header("x-geo-country", "be")),
            baseline("cart", get().header("x-geo-country", "DE")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_weights_compose() {
    let stage = Stage::open("compose", 2).await;
    let plain = assignment::of_shop(300_000, &json!({}));
    stage.assign(&plain).await;
    let address = stage.envoy.address();
    let by_weight = versions_of_users(address, "/home", 1_000).await;
    let canaries = by_weight.iter().filter(|version| *version == CANARY_VERSION).count();
    assert!((250..=350).contains(&canaries), "{canaries} of 1,000 users at 30 %");

    // Forcing some users either way leaves everyone else where the weight puts them.
    let rules = json!({"rules": [
        {"when": {"users": ["user-1", "user-2", "user-3"]}, "arm": "canary"},
        {"when": {"users": ["user-4", "user-5", "user-6"]}, "arm": "baseline"}
    ]});
    stage.assign(&assignment::of_shop(300_000, &rules)).await;
    let forced = versions_of_users(address, "/home", 1_000).await;
    for (user, (plain, forced)) in by_weight.iter().zip(&forced).enumerate() {
        let expected = match user {
            1..=3 => CANARY_VERSION,
            4..=6 => BASELINE_VERSION,
            _ => plain,
        };
        assert_eq!(forced, expected, "user-{user}");
    }

    // A rule with a share takes that part of its users, always the same ones; the weight judges the others.
    let geo = json!({"rules": [
        {"when": {"geo": {"header": "x-geo-country", "values": ["NL"]}}, "arm": "canary", "share_ppm": 500_000}
    ]});
    stage.assign(&assignment::of_shop(0, &geo)).await;
    let from_nl = |user: usize| Ask::get("/home").user(&format!("user-{user}")).header("x-geo-country", "NL");
    let ask = || crate::support::crowd::versions(address, (0..1_000).map(from_nl).collect(), 32);
    let (once, again) = (ask().await, ask().await);
    assert_eq!(once, again);
    let taken = once.iter().filter(|version| *version == CANARY_VERSION).count();
    assert!((440..=560).contains(&taken), "{taken} of 1,000 users at a share of 50 %");
    assert!(versions_of_users(address, "/home", 200).await.iter().all(|version| version == BASELINE_VERSION));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_come_before_sessions_and_sessions_before_the_draw() {
    let stage = Stage::open("identity", 2).await;
    let address = stage.envoy.address();
    let client = Client::new();
    let identity = |anonymous: Value| {
        json!({"identity": {
            "user": [{"header": "x-user-id"}, {"cookie": "uid"}],
            "session": [{"header": "x-session"}, {"cookie": "sid"}],
            "anonymous": anonymous,
        }})
    };
    stage.assign(&assignment::of_shop(500_000, &identity(json!("baseline")))).await;
    let mut users = 0;
    for number in 0..100 {
        let ask = async |ask: Ask| version(&client.ask(address, &ask).await.unwrap()).to_owned();
        let (user, session) = (format!("user-{number}"), format!("session-{number}"));
        let by_user = ask(Ask::get("/home").user(&user)).await;
        let by_session = ask(Ask::get("/home").header("x-session", &session)).await;
        // The same id from another source is the same user or session, and a user wins over a session.
        assert_eq!(ask(Ask::get("/home").header("cookie", &format!("uid={user}"))).await, by_user);
        assert_eq!(ask(Ask::get("/home").header("cookie", &format!("sid={session}"))).await, by_session);
        assert_eq!(ask(Ask::get("/home").user(&user).header("x-session", &session)).await, by_user);
        // An empty header is no user.
        assert_eq!(ask(Ask::get("/home").user("").header("x-session", &session)).await, by_session);
        users += usize::from(by_user != by_session);
    }
    assert!(users > 20, "users and sessions fall on the ring alike: {users} of 100 differ");
    for _ in 0..50 {
        let answer = client.ask(address, &Ask::get("/home")).await.unwrap();
        assert_eq!(version(&answer), BASELINE_VERSION);
        assert_eq!(answer.header("set-cookie"), None);
    }

    stage.assign(&assignment::of_shop(500_000, &identity(json!("random")))).await;
    let anyone = crate::support::crowd::versions(address, vec![Ask::get("/home"); 2_000], 16).await;
    let canaries = anyone.iter().filter(|version| *version == CANARY_VERSION).count();
    // 50 % of 2,000 ± 6 standard deviations.
    assert!((866..=1_134).contains(&canaries), "{canaries} of 2,000 draws at 50 %");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issued_cookie_comes_back_and_keeps_the_arm() {
    let stage = Stage::open("cookie", 2).await;
    let address = stage.envoy.address();
    let client = Client::new();
    let issue = json!({"identity": {
        "user": [{"header": "x-user-id"}],
        "session": [{"cookie": "serin-session"}],
        "anonymous": {"issue_cookie": {"name": "serin-session", "max_age_s": 3_600}},
    }});
    stage.assign(&assignment::of_shop(500_000, &issue)).await;
    let mut arms = [0, 0];
    let mut sessions = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let first = client.ask(address, &Ask::get("/home")).await.unwrap();
        let cookie = first.header("set-cookie").unwrap().to_owned();
        let pair = cookie.split(';').next().unwrap().to_owned();
        assert!(pair.starts_with("serin-session="), "{cookie}");
        assert!(cookie.contains("Max-Age=3600"), "{cookie}");
        assert!(sessions.insert(pair.clone()), "{pair} was issued twice");
        for _ in 0..3 {
            let next = client.ask(address, &Ask::get("/cart").header("cookie", &pair)).await.unwrap();
            assert_eq!(version(&next), version(&first), "{pair}");
            assert_eq!(next.header("set-cookie"), None);
        }
        arms[usize::from(version(&first) == CANARY_VERSION)] += 1;
        // Raising the weight moves nobody out of the canary; see the stickiness scenario.
    }
    // 50 % of 100 ± 5 standard deviations.
    assert!((25..=75).contains(&arms[1]), "{arms:?}");
    // Who has a user id needs no cookie.
    let known = client.ask(address, &Ask::get("/home").user("ann")).await.unwrap();
    assert_eq!(known.header("set-cookie"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_told_apart_by_host_and_other_hosts_are_left_alone() {
    let stage = Stage::open("services", 1).await;
    let mut shop = assignment::shop(1_000_000, &json!({"hosts": ["shop.example", "*.shop.example"]}));
    let mut help = shop.clone();
    help["name"] = json!("help");
    help["hosts"] = json!(["help.shop.example"]);
    help["split"] = json!([]);
    shop["components"] = json!([{"name": "home", "matches": [{"path": {"exact": "/home"}}]}]);
    stage.assign(&assignment::of(&[shop, help])).await;
    let client = Client::new();
    for (host, expected) in [
        ("shop.example", CANARY_VERSION),
        ("SHOP.example:443", CANARY_VERSION),
        ("eu.shop.example", CANARY_VERSION),
        ("help.shop.example", BASELINE_VERSION),
        ("other.example", BASELINE_VERSION),
    ] {
        let ask = Ask::get("/home").user("ann").header("host", host);
        assert_eq!(version(&client.ask(stage.envoy.address(), &ask).await.unwrap()), expected, "{host}");
    }
    // The request to a host that no service claims is nobody's.
    let totals = stage.stand_in.settled(4).await;
    assert_eq!(totals.all().finished(), 4, "{:?}", totals.counts);
}

//! A client cannot choose its arm by sending the header that the filter sets.

use serde_json::json;
use serin_e2e::bootstrap::Bootstrap;
use serin_e2e::ports::Port;
use serin_e2e::sample::Sample;

use crate::support::assignment;
use crate::support::raw_http::RawClient;
use crate::support::scene::{BASELINE_VERSION, CANARY_VERSION, Scene, Stage};
use serin_e2e::draws::Draws;

const VARIANTS: u64 = 1_000;

/// The header lines of one attempt, as they go over the wire.
fn attempt(number: u64) -> String {
    let mut draws = Draws::new(number);
    let lines = 1 + draws.below(4);
    (0..lines).map(|_| line(&mut draws)).collect()
}

fn line(draws: &mut Draws) -> String {
    const NAMES: [&str; 14] = [
        "x-serin-arm",
        "x-serin-arm",
        "x-serin-arm",
        "x-serin-arm",
        "X-Serin-Arm",
        "X-SERIN-ARM",
        "x_serin_arm",
        "x-serin_arm",
        "X_SERIN_ARM",
        "x-serin-arm ",
        "x-serin-arm\t",
        " x-serin-arm",
        "x%2Dserin%2Darm",
        "x-serin-\u{0430}rm",
    ];
    const VALUES: [&str; 22] = [
        "canary",
        "canary",
        "canary",
        "Canary",
        "CANARY",
        "canary,canary",
        "baseline,canary",
        "canary, baseline",
        "",
        " ",
        "  canary  ",
        "\tcanary\t",
        "canary;q=1",
        "\"canary\"",
        "%63anary",
        "canary\r\n canary",
        "\r\n canary",
        "=?utf-8?q?canary?=",
        "canary\u{0}",
        "c\u{0430}nary",
        "baseline",
        "canary#",
    ];
    const OTHERS: [&str; 8] = [
        "connection: x-serin-arm\r\n",
        "connection: keep-alive, x-serin-arm\r\n",
        "cookie: x-serin-arm=canary\r\n",
        "x-envoy-original-path: /canary\r\n",
        "x-forwarded-for: 127.0.0.1\r\nx-envoy-internal: true\r\n",
        "x-serin-arm-: canary\r\n",
        "x-envoy-decorator-operation: canary\r\n",
        "te: trailers, x-serin-arm\r\n",
    ];
    if draws.below(8) == 0 {
        return (*draws.of(&OTHERS)).to_owned();
    }
    let mut name = (*draws.of(&NAMES)).to_owned();
    if draws.below(2) == 0 {
        let upper = |letter: char| if draws.below(2) == 0 { letter.to_ascii_uppercase() } else { letter };
        name = name.chars().map(upper).collect();
    }
    let gap = *draws.of(&[": ", ":", ":  ", ":\t"]);
    format!("{name}{gap}{}\r\n", draws.of(&VALUES))
}

/// Sends every attempt as `user`. Those that Envoy takes must be answered by `expected`.
async fn attack(address: std::net::SocketAddr, user: &str, expected: &str) -> u64 {
    let mut client = RawClient::new(address);
    let mut taken = 0;
    for number in 0..VARIANTS {
        let lines = attempt(number);
        let path = if number % 3 == 0 { "/orders/7" } else { "/home" };
        // A line that begins with a space continues the one before, which must not be the user's.
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: shop.example\r\nx-user-id: {user}\r\naccept: */*\r\n{lines}\r\n"
        );
        let answer =
            client.exchange(request.as_bytes()).await.unwrap_or_else(|error| panic!("{lines:?}: {error}"));
        match answer.status {
            200 => {
                assert_eq!(answer.header("x-version"), Some(expected), "attempt {number}: {lines:?}");
                taken += 1;
            }
            // Not HTTP: Envoy refuses it.
            400 => {}
            other => panic!("attempt {number}: status {other}: {lines:?}"),
        }
    }
    assert!(taken > VARIANTS / 2, "only {taken} attempts were well-formed enough to be tried");
    taken
}

/// Requests of a service that came with an arm.
fn with_arm(sample: &Sample, arm: Option<&str>) -> u64 {
    sample.stats().total(|key| arm.map_or(key.arm.is_some(), |arm| key.arm.as_deref() == Some(arm)))
}

/// The shipped bootstrap without its own defence, so that the filter's is seen.
fn without_early_mutation(mut bootstrap: Bootstrap) -> Bootstrap {
    *bootstrap.http("/early_header_mutation_extensions").unwrap() = json!([]);
    bootstrap
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_variant_of_the_arm_header_reaches_the_canary_through_the_filter() {
    for (name, shipped) in [("spoof-shipped", true), ("spoof-filter-alone", false)] {
        let change = if shipped { |bootstrap| bootstrap } else { without_early_mutation };
        let stage = Stage::with(name, 1, change).await;
        stage.assign(&assignment::of_shop(0, &json!({}))).await;
        let taken = attack(stage.envoy.address(), "ann", BASELINE_VERSION).await;
        assert_eq!(stage.scene.canary.stats().total(|_| true), 0, "{name}: unauthorised canary hits");
        assert_eq!(with_arm(&stage.scene.baseline, None), 0, "{name}: the header came through");
        let totals = stage.stand_in.settled(taken).await;
        assert_eq!(totals.sum(|_, arm| arm == "canary").started, 0);
        assert_eq!(totals.sum(|_, arm| arm == "baseline").finished(), taken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_variant_of_the_arm_header_changes_the_arm_of_a_user_during_a_rollout() {
    let stage = Stage::with("spoof-rollout", 1, without_early_mutation).await;
    let rules = json!({"rules": [{"when": {"users": ["canary-user"]}, "arm": "canary"}]});
    stage.assign(&assignment::of_shop(0, &rules)).await;
    let taken = attack(stage.envoy.address(), "canary-user", CANARY_VERSION).await;
    // One header with the filter's value, whatever the client sent.
    assert_eq!(with_arm(&stage.scene.canary, Some("canary")), taken);
    assert_eq!(stage.scene.baseline.stats().total(|_| true), 0);
    attack(stage.envoy.address(), "other-user", BASELINE_VERSION).await;
    assert_eq!(stage.scene.canary.stats().total(|_| true), taken, "unauthorised canary hits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_variant_of_the_arm_header_reaches_the_canary_while_the_filter_is_absent() {
    let scene = Scene::open("spoof-absent").await;
    let nobody = Port::reserve().unwrap();
    let settings = serin_e2e::envoy::Settings::named("envoy");
    let envoy = scene.envoy(&settings, scene.bootstrap(nobody.address())).await;
    attack(envoy.address(), "ann", BASELINE_VERSION).await;
    assert_eq!(scene.canary.stats().total(|_| true), 0, "unauthorised canary hits");
    assert_eq!(with_arm(&scene.baseline, None), 0, "the header came through");
}

//! Users who stay on the canary from one service of a train to the next.

use std::sync::Arc;

use serde_json::{Value, json};
use serin_e2e::bootstrap::Bootstrap;
use tokio::task::JoinSet;

use crate::support::assignment;
use crate::support::crowd::{Ask, Client, version};
use crate::support::scene::{CANARY_VERSION, Stage};

const USERS: usize = 10_000;
/// Requests under way at once.
const LANES: usize = 32;
/// Response header in which Envoy tells the baggage that it sent to the service, for services that hand it on.
const SENT: &str = "x-sent-baggage";
/// What every request carries besides.
const TENANT: &str = "tenant=7;p=q";

/// What a service got.
struct Got {
    canary: bool,
    baggage: String,
}

/// A service of a train.
fn member(name: &str, weight_ppm: u32, salt: &str, train: &str) -> Value {
    let more = json!({
        "name": name, "hosts": [format!("{name}.example")], "salt": salt, "train": train,
        "train_key": "5eb63bbbe01eeed093cb22bb8f5acdc3",
    });
    assignment::shop(weight_ppm, &more)
}

fn told(mut bootstrap: Bootstrap) -> Bootstrap {
    let added = bootstrap.http("/route_config/response_headers_to_add").unwrap().as_array_mut().unwrap();
    added.push(json!({"header": {"key": SENT, "value": "%REQ(baggage)%"}}));
    bootstrap
}

/// Asks a service once for every user, each with its baggage.
async fn ask(stage: &Stage, service: &str, baggage: Vec<String>) -> Vec<Got> {
    let (client, baggage, address) = (Client::new(), Arc::new(baggage), stage.envoy.address());
    let mut tasks = JoinSet::new();
    for lane in 0..LANES {
        let (client, baggage, host) = (client.clone(), Arc::clone(&baggage), format!("{service}.example"));
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for (user, carried) in baggage.iter().enumerate().skip(lane).step_by(LANES) {
                let ask = Ask::get("/home").user(&format!("user-{user}")).header("host", &host);
                let answer = client.ask(address, &ask.header("baggage", carried)).await.unwrap();
                let (canary, sent) = (version(&answer) == CANARY_VERSION, answer.header(SENT));
                answers.push((user, Got { canary, baggage: sent.unwrap_or_default().to_owned() }));
            }
            answers
        });
    }
    let mut answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    answers.sort_unstable_by_key(|(user, _)| *user);
    answers.into_iter().map(|(_, got)| got).collect()
}

fn canaries(got: &[Got]) -> usize {
    got.iter().filter(|one| one.canary).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_on_the_canary_of_one_service_of_a_train_is_on_that_of_the_next_and_nobody_forges_it() {
    let stage = Stage::with("train", 2, told).await;
    stage
        .assign(&assignment::of(&[
            member("shop", 200_000, "000102030405060708090a0b0c0d0e0f", "train:sale-1"),
            member("pay", 50_000, "f0e0d0c0b0a090807060504030201000", "train:sale-1"),
            member("other", 1_000_000, "ffeeddccbbaa99887766554433221100", "train:other-1"),
        ]))
        .await;
    let plain = || vec![TENANT.to_owned(); USERS];
    let first = ask(&stage, "shop", plain()).await;
    let alone = ask(&stage, "pay", plain()).await;
    let chained = ask(&stage, "pay", first.iter().map(|got| got.baggage.clone()).collect()).await;
    let share = canaries(&first);
    assert!(share.abs_diff(USERS / 5) < USERS / 100, "{share} of {USERS} users on the first canary");
    for (user, (first, (alone, chained))) in first.iter().zip(alone.iter().zip(&chained)).enumerate() {
        assert_eq!(chained.canary, first.canary || alone.canary, "user-{user}");
        assert_eq!(first.baggage.contains("serin.train="), first.canary, "user-{user}: {}", first.baggage);
        assert!(chained.baggage.ends_with(TENANT), "user-{user}: {}", chained.baggage);
    }

    // Made up, changed, and of a train that has the same key: each is removed, and moves nobody.
    let ours = first.iter().find(|got| got.canary).map(|got| got.baggage.clone()).unwrap();
    let (token, _) = ours.split_once(',').unwrap();
    let changed = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    let foreign = ask(&stage, "other", vec![String::from("a=1"); 1]).await.remove(0).baggage;
    let foreign = foreign.split(',').next().unwrap().to_owned();
    assert!(foreign.starts_with("serin.train="), "{foreign}");
    for forged in ["serin.train=canary".to_owned(), changed, foreign] {
        let got = ask(&stage, "pay", vec![format!("{forged},{TENANT}"); USERS / 10]).await;
        for (user, (got, alone)) in got.iter().zip(&alone).enumerate() {
            assert_eq!(got.canary, alone.canary, "user-{user} with {forged}");
            let is_new = !got.baggage.contains(&forged) && got.baggage.contains(TENANT);
            assert!(is_new, "user-{user} with {forged}: {}", got.baggage);
        }
    }
    let requests = 3 * USERS as u64 + 1 + 3 * (USERS as u64 / 10);
    let totals = stage.stand_in.settled(requests).await;
    assert_eq!(totals.violations, Vec::<String>::new());
}

//! An assignment that breaks a rule is refused as a whole: Envoy tells so, its log names the field and the rule, and
//! nobody's requests change.

mod generator;

use std::collections::BTreeMap;

use serde_json::json;
use serin_proto::assignment::parse;

use self::generator::Bad;
use crate::support::assignment;
use crate::support::crowd::versions_of_users;
use crate::support::patrol::Patrol;
use crate::support::scene::{BASELINE_VERSION, Stage, VM, accepted};

const SEED: u64 = 20_260_101;
const BAD: usize = 500;
const USERS: usize = 1_000;

#[test]
fn the_generator_makes_bad_assignments_of_every_kind_and_the_same_ones_again() {
    let bad = generator::generate(SEED, BAD);
    assert_eq!(bad, generator::generate(SEED, BAD));
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for Bad { kind, bytes } in &bad {
        assert!(parse(bytes).is_err(), "{kind} is accepted: {}", String::from_utf8_lossy(bytes));
        *kinds.entry(kind).or_default() += 1;
    }
    assert_eq!(bad.len(), BAD);
    assert!(kinds.len() >= 25 && kinds.values().all(|count| *count >= 5), "{kinds:?}");
    let distinct: std::collections::BTreeSet<_> = bad.iter().map(|bad| &bad.bytes).collect();
    assert!(distinct.len() > BAD * 4 / 5, "{} distinct ones", distinct.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_bad_assignments_are_refused_and_change_no_request() {
    let stage = Stage::open("refusals", 2).await;
    stage.assign(&assignment::of_shop(300_000, &json!({}))).await;
    let address = stage.envoy.address();
    let expected = versions_of_users(address, "/home", USERS).await;
    let accepted_before = accepted(&stage.envoy).await;
    let vms = stage.envoy.admin().stat("wasm.wasm_vm_count").await.unwrap();

    let patrol = Patrol::start(address, &expected, 800);
    let bad = generator::generate(SEED, BAD);
    for Bad { kind, bytes } in &bad {
        let version = stage.stand_in.offer(VM, &stage.scene.filter, bytes);
        let verdict = stage.stand_in.verdict(stage.node(), version).await;
        assert!(verdict.is_err(), "{kind} was accepted: {}", String::from_utf8_lossy(bytes));
    }
    let findings = patrol.finish().await;
    findings.assert_clean();

    let admin = stage.envoy.admin();
    let updates = admin.stats("extension_config_discovery.*serin\\.update_rejected$").await.unwrap();
    assert_eq!(updates.values().sum::<u64>(), BAD as u64, "{updates:?}");
    assert_eq!(accepted(&stage.envoy).await, accepted_before);
    assert_eq!(admin.stat("wasm.wasm_vm_count").await.unwrap(), vms);
    assert_logged(&stage.log(), &bad);

    // The next good one is taken by every VM, and it alone changes something.
    stage.assign(&assignment::of_shop(0, &json!({}))).await;
    let now = versions_of_users(address, "/home", USERS).await;
    assert!(now.iter().all(|version| version == BASELINE_VERSION));
    let requests = findings.asked + 2 * USERS as u64;
    let totals = stage.stand_in.settled(requests).await;
    assert_eq!(totals.all().finished(), requests);
    assert_eq!(totals.violations, Vec::<String>::new());
    // Refusing costs no VM its life.
    assert_eq!(totals.vms.len(), stage.vms());
}

/// Every refusal is explained in Envoy's log by the field and the rule.
fn assert_logged(log: &str, bad: &[Bad]) {
    for Bad { kind, bytes } in bad {
        let error = parse(bytes).unwrap_err().to_string();
        // Log lines are text: what is not printable is escaped there.
        let words = error.split(|letter: char| letter.is_control() || !letter.is_ascii()).next().unwrap();
        assert!(log.contains(words), "{kind}: the log does not say {words:?}");
    }
}

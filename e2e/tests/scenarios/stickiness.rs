//! A user keeps the arm while the weight rises, on every worker and after a restart.

use serde_json::json;

use crate::support::assignment;
use crate::support::crowd::versions_of_users;
use crate::support::scene::{CANARY_VERSION, Stage};

const USERS: usize = 10_000;

fn canaries(versions: &[String]) -> usize {
    versions.iter().filter(|version| *version == CANARY_VERSION).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raising_the_weight_never_moves_a_user_back_and_a_restart_moves_nobody() {
    let mut stage = Stage::open("stickiness", 2).await;
    let mut before = vec![String::new(); USERS];
    for percent in [10_usize, 25, 50, 100] {
        let weight_ppm = u32::try_from(percent * 10_000).unwrap();
        stage.assign(&assignment::of_shop(weight_ppm, &json!({}))).await;
        let now = versions_of_users(stage.envoy.address(), "/home", USERS).await;
        let back = before.iter().zip(&now).filter(|(before, now)| *before == CANARY_VERSION && now != before);
        assert_eq!(back.count(), 0, "users left the canary when the weight rose to {percent} %");
        let share = canaries(&now);
        let expected = USERS * percent / 100;
        // ± 0.5 percentage points.
        assert!(share.abs_diff(expected) <= USERS / 200, "{share} of {USERS} users at {percent} %");
        before = now;
        if percent == 50 {
            stage.restart().await;
            let restarted = versions_of_users(stage.envoy.address(), "/home", USERS).await;
            assert!(restarted == before, "a restart moved a user");
        }
    }
    let totals = stage.stand_in.settled(5 * USERS as u64).await;
    assert_eq!(totals.violations, Vec::<String>::new());
}

//! Arms that were stopped and left their part of the ring to the baseline.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const USERS: u64 = 5_000;
const ARMS: [(&str, u32); 3] = [("a", 300_000), ("b", 200_000), ("c", 150_000)];

/// A filter of an experiment in which some arms are stopped.
fn filter(generation: u64, stopped: &[&str]) -> Filter {
    let share = |(arm, weight_ppm): (&str, u32)| {
        let arm = if stopped.contains(&arm) { "baseline" } else { arm };
        json!({"arm": arm, "weight_ppm": weight_ppm})
    };
    let mut told = assignment(generation, "home", 1);
    let service = &mut told["services"][0];
    service["split"] = ARMS.into_iter().map(share).collect();
    service["identity"] = json!({"user": [{"header": "x-user"}]});
    let mut filter = Filter::new(Identity::default(), 7);
    filter.configure(told.to_string().as_bytes(), 0).unwrap();
    filter
}

/// The arm that each user's request asks for. `None`: it has no header, so the baseline serves it.
fn asked(filter: &mut Filter) -> Vec<Option<String>> {
    let user = |id: u64| Fake::get("/").with("x-user", id.to_string()).with(":authority", "shop.example");
    (0..USERS).map(|id| filter.route(&user(id)).unwrap().arm.map(|arm| arm.to_string())).collect()
}

#[test]
fn stopping_an_arm_returns_its_users_to_the_baseline_and_moves_nobody_else() {
    let before = asked(&mut filter(1, &[]));
    for stopped in [&["a"][..], &["b"], &["c"], &["a", "c"], &["a", "b", "c"]] {
        let after = asked(&mut filter(2, stopped));
        let expected = |arm: &Option<String>| arm.clone().filter(|arm| !stopped.contains(&arm.as_str()));
        assert!(before.iter().map(expected).eq(after), "{stopped:?}");
    }
    for (arm, weight_ppm) in ARMS {
        let users = before.iter().filter(|asked| asked.as_deref() == Some(arm)).count() as f64;
        let share = users / USERS as f64 * 1e6;
        // Five standard deviations of a binomial share.
        assert!((share - f64::from(weight_ppm)).abs() < 33_000.0, "{arm}: {share} ppm");
    }
}

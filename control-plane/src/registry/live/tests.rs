use serin_analysis::Verdict;
use serin_analysis::risk::Action;
use serin_rollout::plan::Said;
use serin_rollout::{ActivePhase, Granularity};

use super::*;
use crate::snapshot::{Block, Component, Experiment, ExperimentArm};

fn component(name: &str, rolled_back: bool) -> Component {
    Component {
        name: name.to_owned(),
        granularity: Granularity::Medium,
        rolled_back,
        rolled_back_because: rolled_back.then(|| "errors".to_owned()),
        verdict: Verdict::Inconclusive,
        reasons: Vec::new(),
        vetoes: Vec::new(),
        risk: 0.0,
        trend: None,
        action: Action::Continue,
        arms: Vec::new(),
        charts: Vec::new(),
        blocks: Vec::new(),
        recovering: false,
        business_weight: 1.0,
        depends_on: Vec::new(),
        returns_with: Vec::new(),
        switched_off_with: Vec::new(),
        owner: None,
        said: Said::default(),
        feature: None,
        switched_off_because: None,
    }
}

pub(in crate::registry) fn snapshot(
    service: &str,
    versions: (&str, &str),
    phase: Phase,
    weight_ppm: u32,
) -> Snapshot {
    Snapshot {
        id: format!("{service}-{}", versions.1),
        service: service.to_owned(),
        baseline_version: versions.0.to_owned(),
        canary_version: versions.1.to_owned(),
        phase,
        current: true,
        weight_ppm,
        step: 0,
        steps: 1,
        planned_steps: Vec::new(),
        next_step_at: None,
        data_age_s: None,
        verdict: Verdict::Inconclusive,
        reasons: Vec::new(),
        vetoes: Vec::new(),
        risk: 0.0,
        trend: None,
        action: Action::Continue,
        arms: Vec::new(),
        components: vec![component("search", false), component("checkout", true)],
        outside: serin_rollout::outside::Outside::default(),
        findings: Vec::new(),
        sources: None,
        created_at: UnixMillis(1),
        changed_at: UnixMillis(2),
        rollback_window_until: None,
        watched: false,
        hooks: Vec::new(),
        hold: None,
        summary: String::new(),
        revision: 1,
        generation: 1,
        taken: Vec::new(),
        not_taken: Vec::new(),
        rollback: None,
        vms_applied: 0,
        vms_known: 0,
        experiment: None,
    }
}

fn told(snapshot: &Snapshot) -> Vec<String> {
    let told = carried([snapshot]).into_iter();
    told.map(|one| format!("{} {} {} {}", one.subject, one.of, one.arm, one.share_ppm)).collect()
}

#[test]
fn each_phase_tells_what_carries_requests() {
    let told = |phase, weight| told(&snapshot("shop", ("v1", "v2"), phase, weight));
    let returned = "shop/checkout v1 baseline 1000000".to_owned();
    for phase in [Phase::WarmingUp, Phase::Progressing, Phase::Paused { from: ActivePhase::Progressing }] {
        let both =
            ["shop v1 baseline 950000".to_owned(), "shop v2 canary 50000".to_owned(), returned.clone()];
        assert_eq!(told(phase, 50_000), both);
    }
    assert_eq!(told(Phase::Promoted, 1_000_000), ["shop v2 canary 1000000".to_owned(), returned.clone()]);
    assert_eq!(told(Phase::Promoted, 0), ["shop v2 baseline 1000000".to_owned(), returned]);
    for phase in [Phase::RolledBack, Phase::Failed] {
        assert_eq!(told(phase, 0), ["shop v1 baseline 1000000"]);
    }
}

#[test]
fn the_arms_of_an_experiment_carry_their_versions_by_weight_and_all_of_them_are_kept() {
    let arm = |name: &str, weight_ppm: u32| ExperimentArm {
        name: name.to_owned(),
        version: format!("v-{name}"),
        weight_ppm,
        planned_weight_ppm: 200_000,
        verdict: Verdict::Inconclusive,
        reasons: Vec::new(),
        vetoes: Vec::new(),
        stopped_because: None,
        stopped_at: None,
    };
    let experiment = Experiment {
        control: "plain".to_owned(),
        control_weight_ppm: 800_000,
        confidence_ppm: 950_000,
        duration_s: None,
        began_at: None,
        arms: vec![arm("a", 200_000), arm("b", 0)],
        results: Vec::new(),
    };
    let components = vec![component("search", false)];
    let of = |phase| Snapshot {
        experiment: Some(experiment.clone()),
        components: components.clone(),
        ..snapshot("shop", ("v1", ""), phase, 200_000)
    };
    assert_eq!(told(&of(Phase::Progressing)), ["shop v-a a 200000", "shop v1 baseline 800000"]);
    assert_eq!(told(&of(Phase::RolledBack)), ["shop v1 baseline 1000000"]);
    let kept: Vec<_> =
        needed([&of(Phase::Progressing)]).into_iter().map(|(_, version)| version.to_string()).collect();
    assert_eq!(kept, ["v-a", "v-b", "v1"]);
}

fn with_tax(snapshot: Snapshot, restored: Option<&str>) -> Snapshot {
    let tax = Block {
        name: "tax".to_owned(),
        current: "t8".to_owned(),
        previous: vec!["t7".to_owned(), "t6".to_owned()],
        values: BTreeMap::new(),
        restored: restored.map(str::to_owned),
        restored_because: restored.map(|_| "errors".to_owned()),
        evidence: None,
    };
    let checkout = Component { blocks: vec![tax], ..component("checkout", false) };
    Snapshot { components: vec![checkout], ..snapshot }
}

#[test]
fn a_restored_block_is_carried_by_who_gets_the_canary() {
    let told = |phase, weight| {
        let snapshot = with_tax(snapshot("shop", ("v1", "v2"), phase, weight), Some("t7"));
        let blocks = carried([&snapshot]).into_iter().filter(|one| one.version.is_some());
        let told = blocks
            .map(|one| format!("{} {} {} {}", one.subject, one.version.unwrap(), one.arm, one.share_ppm));
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(Phase::Progressing, 50_000), ["shop/checkout/tax t7 canary 50000"]);
    assert_eq!(told(Phase::Promoted, 1_000_000), ["shop/checkout/tax t7 canary 1000000"]);
    assert_eq!(told(Phase::Promoted, 0), ["shop/checkout/tax t7 baseline 1000000"]);
    assert_eq!(told(Phase::RolledBack, 0), [""; 0]);
}

#[test]
fn only_the_newest_rollout_of_a_service_counts() {
    let old = Snapshot { current: false, ..snapshot("shop", ("v0", "v1"), Phase::Promoted, 1_000_000) };
    let new = snapshot("shop", ("v1", "v2"), Phase::RolledBack, 0);
    let other = snapshot("news", ("n1", "n2"), Phase::RolledBack, 0);
    let all: Vec<_> = carried([&new, &old, &other]).into_iter().map(|one| one.of.to_string()).collect();
    assert_eq!(all, ["n1", "v1"]);
}

#[test]
fn what_can_be_returned_to_is_needed_until_a_promotion_is_older() {
    let rollouts = [
        snapshot("shop", ("v3", "v5"), Phase::Progressing, 50_000),
        snapshot("shop", ("v3", "v4"), Phase::RolledBack, 0),
        snapshot("news", ("n1", "n2"), Phase::RolledBack, 0),
        snapshot("shop", ("v2", "v3"), Phase::Promoted, 0),
        snapshot("shop", ("v1", "v2"), Phase::Promoted, 0),
    ];
    let needed: Vec<_> =
        needed(&rollouts).into_iter().map(|(subject, version)| format!("{subject} {version}")).collect();
    assert_eq!(needed, ["news n1", "news n2", "shop v2", "shop v3", "shop v4", "shop v5"]);
    let rollout = with_tax(snapshot("shop", ("v1", "v2"), Phase::Progressing, 50_000), None);
    let needed = self::needed([&rollout]);
    let named = |label: &str| ("shop/checkout/tax".parse().unwrap(), label.parse().unwrap());
    assert!(["t8", "t7", "t6"].iter().all(|label| needed.contains(&named(label))), "{needed:?}");
}

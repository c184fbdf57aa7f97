use super::*;
use crate::fleet::report::{Gaps, Vm};

fn running(id: &'static str) -> impl Fn(&str) -> Option<Running> {
    move |service| {
        let weight = Weight::from_ppm(50_000).unwrap();
        (service == "shop").then(|| Running { id: id.to_owned(), service: service.to_owned(), weight })
    }
}

fn report(seq: u64) -> Arc<Report> {
    Arc::new(Report {
        vm: Vm { node: "envoy-1".to_owned(), epoch: 7 },
        seq,
        generation: 1,
        filter_version: String::new(),
        cluster: String::new(),
        complete_until: Some(seq),
        strata: Vec::new(),
        gaps: Gaps::default(),
        routes: Vec::new(),
        behaviour: Vec::new(),
    })
}

fn started(id: &str) -> Started {
    let plan = Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap();
    let id = serin_rollout::RolloutId(id.to_owned());
    let creation =
        serin_rollout::Creation { id, salt: serin_rollout::Salt(1), actor: "anna".to_owned(), paused: false };
    let state = serin_rollout::create(&plan, creation, UnixMillis(0)).state;
    let plan = Arc::new(plan);
    Started { at: UnixMillis(0), ticked: None, plan, state: Box::new(state), evidence: Vec::new() }
}

/// Numbers of the reports that wait, and how the recording ended, if it has.
fn drained(recorded: &mut Receiver<Recorded>) -> (Vec<u64>, Option<&'static str>) {
    let mut reports = Vec::new();
    while let Ok(next) = recorded.try_recv() {
        match next {
            Recorded::Start(_) => assert!(reports.is_empty(), "the start comes first"),
            Recorded::Act(acted) => reports.push(acted.at.0),
            Recorded::Logged(logged) => reports.push(logged.at.0),
            Recorded::Streams(streams) => reports.push(streams.at.0),
            Recorded::Told { told, .. } => reports.push(told.at.0),
            Recorded::Report(merged) => reports.push(merged.report.seq),
            Recorded::Over => return (reports, Some("over")),
            Recorded::Behind => return (reports, Some("behind")),
        }
    }
    (reports, None)
}

fn recorder(recorders: &mut Recorders, rollout: Option<&str>) -> Receiver<Recorded> {
    let (place, recorded) = Place::new().unwrap();
    recorders.add("shop".to_owned(), place);
    recorders.begin("shop", || rollout.map(started));
    recorded
}

#[test]
fn a_reader_that_falls_behind_gets_all_that_waited_and_is_told_while_others_go_on() {
    let mut recorders = Recorders::default();
    let mut slow = recorder(&mut recorders, Some("shop-1"));
    let mut quick = recorder(&mut recorders, Some("shop-1"));
    let most = QUEUE_MAX as u64;
    for seq in 0..=most {
        recorders.offer(&report(seq), UnixMillis(seq), running("shop-1"));
        assert_eq!(drained(&mut quick), (vec![seq], None));
    }
    assert_eq!(drained(&mut slow), ((0..most).collect(), Some("behind")));
    assert_eq!(recorders.all.len(), 1);
}

#[test]
fn a_recording_ends_with_its_rollout_and_not_with_the_next_one() {
    let mut recorders = Recorders::default();
    let mut recorded = recorder(&mut recorders, Some("shop-1"));
    recorders.offer(&report(1), UnixMillis(1), running("shop-1"));
    recorders.offer(&report(2), UnixMillis(2), running("shop-2"));
    assert_eq!(drained(&mut recorded), (vec![1], Some("over")));
    let mut recorded = recorder(&mut recorders, Some("shop-2"));
    recorders.settle(|_| None);
    assert_eq!(drained(&mut recorded), (vec![], Some("over")));
    assert!(recorders.all.is_empty());
}

#[test]
fn a_service_without_a_rollout_is_waited_for() {
    let mut recorders = Recorders::default();
    let mut recorded = recorder(&mut recorders, None);
    recorders.offer(&report(1), UnixMillis(1), |_| None);
    recorders.settle(|_| None);
    recorders.begin("other", || Some(started("other-1")));
    recorders.offer(&report(2), UnixMillis(2), running("shop-1"));
    recorders.begin("shop", || Some(started("shop-1")));
    recorders.offer(&report(3), UnixMillis(3), running("shop-1"));
    recorders.settle(|_| None);
    assert_eq!(drained(&mut recorded), (vec![3], Some("over")));
}

#[test]
fn the_act_that_ends_a_rollout_is_told_before_the_end_and_to_its_recorders_alone() {
    let mut recorders = Recorders::default();
    let mut recorded = recorder(&mut recorders, Some("shop-1"));
    let order = serin_rollout::Order::Rollback { scope: serin_rollout::RollbackScope::Version };
    let command = Command { order, actor: "anna".to_owned(), reason: "enough".to_owned() };
    let acted = |rollout: &str, at| Acted {
        rollout: rollout.to_owned(),
        at: UnixMillis(at),
        command: command.clone(),
    };
    recorders.act(&acted("shop-0", 1));
    recorders.act(&acted("shop-1", 2));
    recorders.settle(|_| None);
    assert_eq!(drained(&mut recorded), (vec![2], Some("over")));
}

#[test]
fn a_reader_that_went_away_is_forgotten() {
    let mut recorders = Recorders::default();
    drop(recorder(&mut recorders, None));
    recorders.settle(|_| None);
    assert!(recorders.all.is_empty());
}

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
    })
}

/// Numbers of the reports that wait, and how the recording ended, if it has.
fn drained(recorded: &mut Receiver<Recorded>) -> (Vec<u64>, Option<&'static str>) {
    let mut reports = Vec::new();
    while let Ok(next) = recorded.try_recv() {
        match next {
            Recorded::Report(merged) => reports.push(merged.report.seq),
            Recorded::Over => return (reports, Some("over")),
            Recorded::Behind => return (reports, Some("behind")),
        }
    }
    (reports, None)
}

fn recorder(recorders: &mut Recorders, rollout: Option<&str>) -> Receiver<Recorded> {
    let (place, recorded) = Place::new().unwrap();
    recorders.add("shop".to_owned(), rollout.map(str::to_owned), place);
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
    recorders.offer(&report(2), UnixMillis(2), running("shop-1"));
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

use proptest::prelude::*;
use prost::Message;

use super::*;

proptest! {
    #[test]
    fn any_bytes_give_a_report_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        if let Ok(request) = wire::ReportRequest::decode(bytes.as_slice()) {
            let _either = Report::try_from(request);
        }
    }

    #[test]
    fn a_report_that_is_taken_keeps_within_its_bounds(
        node in ".{0,300}", epoch in any::<u64>(), seq in any::<u64>(), second in any::<u64>(),
        started in any::<u64>(), names in proptest::collection::vec("[ab]{0,2}", 0..20),
        histogram in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let arm = |name: &String| wire::ArmCounts {
            arm: name.clone(), started, latency_hdr: histogram.clone(), ..wire::ArmCounts::default()
        };
        let stratum = wire::Stratum {
            service: "s".to_owned(),
            component: "c".to_owned(),
            start_second: second,
            arms: names.iter().map(arm).collect(),
        };
        let batch = wire::Batch { complete_until_second: second, strata: vec![stratum], ..wire::Batch::default() };
        let request = wire::ReportRequest { node, epoch, seq, batch: Some(batch), ..wire::ReportRequest::default() };
        if let Ok(report) = Report::try_from(request) {
            prop_assert!((1..=256).contains(&report.vm.node.len()));
            prop_assert!(report.vm.epoch != 0 && report.seq != 0);
            for stratum in &report.strata {
                prop_assert!(stratum.second <= SECOND_MAX && stratum.arms.len() <= ARMS_MAX);
                prop_assert!(stratum.arms.iter().all(|arm| arm.started <= COUNT_MAX && !arm.name.is_empty()));
            }
        }
    }
}

fn request(strata: usize) -> wire::ReportRequest {
    let stratum =
        wire::Stratum { service: "s".to_owned(), component: "c".to_owned(), ..wire::Stratum::default() };
    let batch =
        wire::Batch { complete_until_second: 5, strata: vec![stratum; strata], ..wire::Batch::default() };
    let node = "n".to_owned();
    wire::ReportRequest { node, epoch: 1, seq: 1, batch: Some(batch), ..wire::ReportRequest::default() }
}

#[test]
fn the_bound_on_strata_is_exact() {
    assert_eq!(Report::try_from(request(STRATA_MAX)).unwrap().strata.len(), STRATA_MAX);
    assert_eq!(Report::try_from(request(STRATA_MAX + 1)).unwrap_err().field, "batch.strata");
}

#[test]
fn a_report_without_batch_tells_that_the_vm_lives() {
    let report = Report::try_from(wire::ReportRequest { batch: None, ..request(0) }).unwrap();
    assert_eq!((report.complete_until, report.strata.len(), report.gaps), (None, 0, Gaps::default()));
}

#[test]
fn a_clock_ahead_is_named() {
    let report = Report::try_from(request(0)).unwrap();
    assert!(report.clone().not_ahead(5).is_ok());
    assert_eq!(report.not_ahead(4).unwrap_err().field, "batch.complete_until_second");
}

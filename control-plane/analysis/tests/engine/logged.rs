//! Blocks that log records name: late, in another second than the request started, and sometimes more than failed.

use serin_analysis::{Arm, Assessment, BlockFailures, Engine, NamedBy};

use super::blocks::{ONSET, Shop, alarmed, at_fault, failing, of_tax};
use super::world::{START, component_alarm};

/// How a service logs its failures.
#[derive(Clone, Copy)]
struct Logging {
    /// Seconds from the failure to its record's arrival.
    delay_s: u64,
    /// Records of each failure.
    records: u64,
    /// Whether the responses name the block too.
    both: bool,
}

const PROMPT: Logging = Logging { delay_s: 2, records: 1, both: false };

/// Runs until `until`; gives what was said then.
fn run(
    shop: &mut Shop,
    engine: &mut Engine,
    (from, to): (u64, u64),
    logging: Logging,
    until: impl Fn(&Assessment) -> bool,
) -> Option<Assessment> {
    let mut under_way = Vec::new();
    (from..to).find_map(|second| {
        let (increments, failures) = shop.second(second);
        increments.iter().for_each(|increment| engine.merge(increment));
        for failure in failures {
            if logging.both {
                engine.merge_block(&failure);
            }
            // Some are written in the second after the one in which their request started.
            let written = second + u64::from(shop.world.random.unit() < 0.3);
            let failed = logging.records;
            let record = BlockFailures { start_second: written, failed, named_by: NamedBy::Log, ..failure };
            under_way.push((written + logging.delay_s, record));
        }
        under_way.retain(|(arrives, record)| {
            let is_there = *arrives <= second;
            if is_there {
                engine.merge_block(record);
            }
            !is_there
        });
        engine.source_progress(1, second + 1, second + 1);
        Some(engine.advance(second + 1)).filter(&until)
    })
}

#[test]
fn log_records_that_come_two_seconds_late_locate_the_block_and_no_other() {
    let mut wrong = Vec::new();
    for seed in 0..100 {
        let (mut engine, mut shop) = (Shop::engine(), Shop::new(seed, failing(0.10), of_tax));
        let found = run(&mut shop, &mut engine, (START, ONSET + 60), PROMPT, alarmed).unwrap();
        if found.alarm != component_alarm(0) || at_fault(&found) != ["tax"] {
            wrong.push(seed);
        }
    }
    assert!(wrong.len() <= 2, "seeds {wrong:?}");
}

#[test]
fn a_failure_that_response_and_log_name_counts_once() {
    for delay_s in [0, 2] {
        let found = |both, records| {
            let (mut engine, mut shop) = (Shop::engine(), Shop::new(7, failing(0.10), of_tax));
            let logging = Logging { delay_s, records, both };
            run(&mut shop, &mut engine, (START, ONSET + 60), logging, alarmed).unwrap()
        };
        let (once, often) = (found(true, 1), found(true, 9));
        assert_eq!(at_fault(&once), ["tax"]);
        assert_eq!(once, often, "what the responses name is not counted from log records");
        let counts = &once.components[0].1.blocks[0];
        assert!(counts.canary_failures < counts.canary_requests / 4, "{counts:?}");
    }
}

#[test]
fn records_beyond_the_failures_are_left_out() {
    let (mut engine, mut shop) = (Shop::engine(), Shop::new(8, failing(0.10), of_tax));
    let logging = Logging { records: 5, ..PROMPT };
    let found = run(&mut shop, &mut engine, (START, ONSET + 60), logging, alarmed).unwrap();
    let counts = &found.components[0].1.blocks[0];
    assert_eq!(at_fault(&found), ["tax"]);
    assert!(counts.canary_failures < counts.canary_requests / 4, "{counts:?}");
}

#[test]
fn errors_that_fail_no_request_put_no_block_at_fault() {
    let mut engine = Shop::engine();
    let mut shop = Shop::new(9, super::world::GOOD, |_, _, _| None);
    for second in START..START + 300 {
        let (increments, _) = shop.second(second);
        increments.iter().for_each(|increment| engine.merge(increment));
        let (component, block) = (serin_analysis::ComponentIndex(0), 0);
        let (arm, failed, named_by) = (Arm::Canary, 40, NamedBy::Log);
        engine.merge_block(&BlockFailures { component, start_second: second, arm, block, failed, named_by });
        engine.source_progress(1, second + 1, second + 1);
        let told = engine.advance(second + 1);
        assert!(told.alarm.is_none() && at_fault(&told).is_empty(), "{told:?}");
    }
}

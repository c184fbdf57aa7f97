//! What a component takes: at most 16 KiB an arm, with what the allocator adds, at its fullest, and while it knows what is
//! usual at every hour of the week, with control charts around that.
//!
//! A test binary of its own, as it counts what all threads allocate.

#[path = "traffic/requests.rs"]
mod requests;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use serin_analysis::chart::RuleSet;
use serin_analysis::{
    Arm, ComponentIndex, ComponentSpec, Engine, EngineConfig, Increment, LatencyHistogram, Learned, Outcomes,
    RawEngineConfig, UserMasks,
};

use requests::Random;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of the bytes that are out.
struct Counting;

/// A block of 64-bit glibc: 8 bytes of its own, in steps of 16.
fn block(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

#[expect(unsafe_code, reason = "an allocator is counted by standing in front of it")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(block(layout.size()), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(block(layout.size()), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const COMPONENTS: usize = 20;
const SECONDS: u64 = 240;
const START: u64 = 1_000_000;
const MOST_KIB: f64 = 16.0;
/// What reports of a second may take beside that until it is judged.
const MOST_WAITING_KIB: f64 = 3.0;
/// One in so many requests is open when its second closes: 1 in 1,000 of these latencies exceeds a second.
const OPEN_OF: u64 = 500;
/// They end so many seconds later, but for one a minute that is never heard of again.
const LATE_S: u64 = 3;
const LOST_S: u64 = 60;

fn latencies(random: &mut Random, requests: u64) -> LatencyHistogram {
    let mut latency = LatencyHistogram::new();
    (0..requests).for_each(|_| latency.record(random.latency_us()));
    latency
}

/// Failures of each category in turn.
#[cfg(test)]
fn failing(finished: u64, failed: u64, second: u64) -> Outcomes {
    let ok = Outcomes { ok: finished - failed, ..Outcomes::default() };
    match second % 5 {
        0 => Outcomes { server_error: failed, ..ok },
        1 => Outcomes { timeout: failed, ..ok },
        2 => Outcomes { connect_failure: failed, ..ok },
        3 => Outcomes { reset: failed, ..ok },
        _ => Outcomes { overload: failed, ..ok },
    }
}

/// What earlier rollouts taught in a week: all hours are known, so charts begin with the first minute.
#[cfg(test)]
fn week(specs: &[ComponentSpec]) -> Learned {
    const HOUR_S: u64 = 3_600;
    const WEEK_S: u64 = 168 * HOUR_S;
    let mut random = Random::new();
    let mut engine = Engine::new(EngineConfig::default(), specs).unwrap();
    for hour in (START - WEEK_S..START).step_by(HOUR_S as usize) {
        for second in [hour, hour + 60, hour + 120] {
            for component in (0..specs.len()).map(ComponentIndex) {
                engine.merge(&Increment {
                    component,
                    start_second: second,
                    arm: Arm::Baseline,
                    source: 1,
                    started: 100,
                    outcomes: Outcomes { ok: 100, ..Outcomes::default() },
                    latency: Some(latencies(&mut random, 100)),
                    users: UserMasks::default(),
                });
            }
            engine.source_progress(1, second + 1, second + 1);
            engine.advance(second + 1);
        }
    }
    engine.learned(false)
}

/// KiB of an arm of a component when all reports of its second have come, and when they have been judged, at the most.
#[cfg(test)]
fn most_kib([baseline, canary]: [u64; 2], specs: &[ComponentSpec], learned: &Learned) -> (f64, f64) {
    let mut random = Random::new();
    let before = ALLOCATED.load(Ordering::Relaxed);
    let kib = || (ALLOCATED.load(Ordering::Relaxed) - before) as f64 / 1024.0 / (2 * COMPONENTS) as f64;
    let config = RawEngineConfig { chart_rules: RuleSet::Nelson, ..RawEngineConfig::default() };
    let mut engine = Engine::new(EngineConfig::try_from(config).unwrap(), specs).unwrap();
    engine.recall(learned);
    let (mut full, mut judged) = (0.0_f64, 0.0_f64);
    for second in START..START + SECONDS {
        for component in (0..COMPONENTS).map(ComponentIndex) {
            for (arm, started) in [(Arm::Baseline, baseline), (Arm::Canary, canary)] {
                let (open, lost) = (started.div_ceil(OPEN_OF), u64::from(second % LOST_S == 0));
                let mut merge = |start_second: u64, started: u64, finished: u64| {
                    let failed = u64::from(random.unit() < 0.001 * finished as f64);
                    let latency = Some(latencies(&mut random, finished - failed));
                    let outcomes = failing(finished, failed, start_second);
                    engine.merge(&Increment {
                        component,
                        start_second,
                        arm,
                        source: 1,
                        started,
                        outcomes,
                        latency,
                        users: UserMasks { seen: u64::MAX, failed: failed << (start_second % 64) },
                    });
                };
                merge(second, started, started - open);
                merge(second - LATE_S, 0, open - lost.min(open));
            }
        }
        engine.source_progress(1, second + 1, second + 1);
        full = full.max(kib());
        drop(engine.advance(second + 1));
        judged = judged.max(kib());
    }
    (full, judged)
}

#[test]
fn an_arm_of_a_component_takes_at_most_16_kib_whatever_is_usual() {
    let specs: Vec<_> =
        (0..COMPONENTS).map(|index| ComponentSpec::new(format!("component-{index}"))).collect();
    for learned in [Learned::default(), week(&specs)] {
        for rps in [[9, 1], [90, 10], [900, 100]] {
            let (full, judged) = most_kib(rps, &specs, &learned);
            let told = format!("{rps:?}: {judged:.1} KiB an arm, {full:.1} with a second that waits");
            assert!(judged <= MOST_KIB && full <= MOST_KIB + MOST_WAITING_KIB, "{told}, at most {MOST_KIB}");
        }
    }
}

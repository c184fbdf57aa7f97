//! What the templates of one service take: at most what is documented, with a million distinct lines of the longest kind.
//!
//! A test binary of its own, as it counts what all threads allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use serin_analysis::Arm;
use serin_evidence::mask::Masker;
use serin_logs::{LogLine, MEMORY_BYTES_MAX, TEMPLATES_MAX, Templates};

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

const LINES: u64 = 1_000_000;
/// Of them so many are as long as a line may be, which is slow to write.
const LONG_LINES: u64 = 5_000;

/// A number in letters, so that no two lines share a template.
fn letters(mut number: u64) -> String {
    let mut text = String::new();
    for _ in 0..6 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap_or_default()));
        number /= 26;
    }
    text
}

fn body(number: u64, tail: &str) -> String {
    // Four words that stand against all others, and lengths that differ, so that no leaf is full early.
    let word = letters(number.wrapping_mul(7_919) % 300_000_000);
    let length = if number < LONG_LINES { 43 - number % 20 } else { number % 20 };
    let mut body = format!("{word} {word}x {word}y {word}z");
    (0..length).for_each(|_| body.push_str(tail));
    body
}

#[test]
fn a_million_distinct_lines_take_no_more_than_is_documented() {
    let masker = Masker::new(true).unwrap();
    let exception = "x".repeat(300);
    let tail = format!(" {}", "t".repeat(64));
    let before = ALLOCATED.load(Ordering::Relaxed);
    let mut templates = Templates::new(masker);
    for number in 0..LINES {
        let body = body(number, &tail);
        let line =
            LogLine { body: &body, exception: Some(&exception), second: number % 150, ..LogLine::default() };
        // Twice in the canary with other words at the end, so that templates have all their samples.
        templates.observe(&line, if number % 2 == 0 { Arm::Baseline } else { Arm::Canary });
        if number < LONG_LINES {
            for end in ["one", "two"] {
                let body = format!("{body} {end}");
                templates.observe(&LogLine { body: &body, ..line }, Arm::Canary);
            }
        }
    }
    let taken = ALLOCATED.load(Ordering::Relaxed) - before;
    assert_eq!(templates.iter().count(), TEMPLATES_MAX);
    let samples: usize = templates.iter().map(|template| template.samples.len()).sum();
    assert!(samples >= TEMPLATES_MAX, "{samples}");
    assert!(taken <= MEMORY_BYTES_MAX, "{taken} bytes are more than {MEMORY_BYTES_MAX}");
    assert!(taken >= MEMORY_BYTES_MAX / 4, "{taken} bytes: the bound says nothing");
    let lines = LINES + 2 * LONG_LINES;
    let counted: u64 =
        (0..150).flat_map(|second| templates.drain(second)).map(|count| count.baseline + count.canary).sum();
    assert_eq!(counted, lines);
    assert!(templates.shed().templates > lines * 9 / 10);
}

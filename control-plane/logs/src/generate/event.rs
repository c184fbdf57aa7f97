//! An event of a generated log: a sentence with values in it.

use crate::history::Labelled;
use crate::line::Severity;
use serin_random::Random;

const SUBJECTS: &[&str] = &[
    "Cart", "Order", "Session", "Worker", "Cache", "Payment", "Invoice", "Search", "Shipment", "Stock",
    "Coupon", "Mailer",
];
const NORMAL: &[&str] = &[
    "opened", "closed", "loaded", "stored", "updated", "accepted", "renewed", "finished", "started", "sent",
    "indexed",
];
const ANOMALOUS: &[&str] = &[
    "failed",
    "rejected",
    "exhausted",
    "deadlocked",
    "corrupted",
    "timed-out",
    "overflowed",
    "aborted",
    "diverged",
];
const JOINTS: &[&str] = &["for", "after", "with", "from", "by", "at", "because"];
const OBJECTS: &[&str] = &[
    "request",
    "customer",
    "item",
    "connection",
    "batch",
    "partition",
    "transaction",
    "warehouse",
    "replica",
    "token-bucket",
    "page",
    "ledger",
    "queue",
    "shard",
];
const EXCEPTIONS: &[&str] =
    &["TimeoutError", "OutOfMemoryError", "IllegalStateException", "ConnectionResetError"];

/// A part of the sentence.
#[derive(Clone, Copy, Debug)]
enum Part {
    Word(&'static str),
    Value(Value),
}

/// What varies.
#[derive(Clone, Copy, Debug)]
enum Value {
    Address,
    Hex,
    Keyed(&'static str),
    Milliseconds,
    Number,
    Path,
    Uuid,
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    name: String,
    parts: Vec<Part>,
    severity: Severity,
    exception: Option<&'static str>,
    is_anomalous: bool,
}

impl Event {
    /// Number `number`, which its sentence spells in words, so that no two events have the same words.
    pub(super) fn new(number: u64, is_anomalous: bool, random: &mut Random) -> Self {
        let at = |words: &[&'static str], number: u64| {
            usize::try_from(number % words.len() as u64)
                .ok()
                .and_then(|at| words.get(at))
                .copied()
                .unwrap_or("")
        };
        let verbs = if is_anomalous { ANOMALOUS } else { NORMAL };
        let (subjects, verb_count) = (SUBJECTS.len() as u64, verbs.len() as u64);
        let mut parts = vec![Part::Word(at(SUBJECTS, number)), Part::Word(at(verbs, number / subjects))];
        let round = number / (subjects * verb_count);
        if round > 0 {
            parts.push(Part::Word(at(OBJECTS, round - 1)));
        }
        for _ in 0..=random.below(3) {
            parts.push(Part::Word(word(random, JOINTS)));
            parts.push(Part::Word(word(random, OBJECTS)));
            parts.push(Part::Value(Value::any(random)));
        }
        let (severity, exception) = if is_anomalous {
            let severity = match random.below(10) {
                0..=1 => Severity::Warn,
                2..=8 => Severity::Error,
                _ => Severity::Fatal,
            };
            (severity, (random.below(2) == 0).then(|| word(random, EXCEPTIONS)))
        } else {
            let severity = match random.below(10) {
                0..=6 => Severity::Info,
                7..=8 => Severity::Warn,
                _ => Severity::Error,
            };
            (severity, None)
        };
        Self { name: format!("G{}", number + 1), parts, severity, exception, is_anomalous }
    }

    /// A line of it.
    pub(super) fn line(&self, second: u64, random: &mut Random) -> Labelled {
        let mut body = String::new();
        for part in &self.parts {
            if !body.is_empty() {
                body.push(' ');
            }
            match part {
                Part::Word(word) => body.push_str(word),
                Part::Value(value) => body.push_str(&value.draw(random)),
            }
        }
        Labelled {
            body,
            severity: self.severity,
            exception: self.exception.map(str::to_owned),
            second,
            event: Some(self.name.clone()),
            anomalous: Some(self.is_anomalous),
        }
    }
}

impl Value {
    fn any(random: &mut Random) -> Self {
        match random.below(7) {
            0 => Self::Address,
            1 => Self::Hex,
            2 => Self::Keyed(word(random, OBJECTS)),
            3 => Self::Milliseconds,
            4 => Self::Number,
            5 => Self::Path,
            _ => Self::Uuid,
        }
    }

    fn draw(self, random: &mut Random) -> String {
        match self {
            Self::Address => {
                format!(
                    "10.{}.{}.{}:{}",
                    byte(random),
                    byte(random),
                    byte(random),
                    1_024 + random.below(60_000)
                )
            }
            Self::Hex => format!("0x{:08x}", random.below(1 << 32)),
            Self::Keyed(key) => format!("{key}={}", random.below(100_000)),
            Self::Milliseconds => format!("{}ms", random.below(5_000)),
            Self::Number => random.below(1_000_000).to_string(),
            Self::Path => format!("/var/lib/{}/{}.dat", word(random, OBJECTS), random.below(1_000)),
            Self::Uuid => {
                let (high, low) = (random.bits(), random.bits());
                format!(
                    "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                    high >> 32,
                    (high >> 16) & 0xffff,
                    high & 0xfff,
                    (low >> 52) & 0xfff,
                    low & 0xffff_ffff_ffff
                )
            }
        }
    }
}

/// One of these; the empty word of none.
fn word(random: &mut Random, of: &[&'static str]) -> &'static str {
    of.get(random.index(of.len())).copied().unwrap_or_default()
}

fn byte(random: &mut Random) -> u64 {
    random.below(256)
}

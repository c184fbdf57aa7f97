//! When to report, and what became of it.
//!
//! A batch is frozen, sent, and sent again unchanged until the control plane acknowledges or refuses it; only then
//! is the next one frozen. One call is under way at a time. Answers to other calls, repeated answers and answers
//! that never come are all tolerated. Time is a monotonic clock in nanoseconds, given as an argument.
//!
//! The control plane judges a second when all VMs have reported past it, so reports leave soon after a second of the
//! wall clock ends: by then most of its requests have ended, and nobody waits for a VM whose interval began later. A
//! fleet's reports are spread over a part of a second and, if the interval is longer, over its seconds.

use std::rc::Rc;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// A report leaves no earlier than this after a second of the wall clock ends, so that most of its requests have ended.
const SETTLED_AFTER_NS: u64 = 250 * MILLISECOND;
/// Over this the reports of a fleet are spread.
const SPREAD_NS: u64 = 150 * MILLISECOND;
/// Deadline of one call, in milliseconds.
pub const CALL_DEADLINE_MS: u32 = 5_000;
/// After this a call without an answer counts as failed, though it had a deadline of its own.
const ANSWER_WITHIN_NS: u64 = 6_000 * MILLISECOND;
/// A VM that measures nothing reports this often, to show that it lives.
const IDLE_INTERVAL_NS: u64 = 5_000 * MILLISECOND;
/// Waiting time after the first failure; doubles with each further one.
const FIRST_BACKOFF_NS: u64 = 250 * MILLISECOND;
const MAX_BACKOFF_NS: u64 = 5_000 * MILLISECOND;
/// Status of a batch that can never be merged.
const INVALID_ARGUMENT: u32 = 3;

/// What to do now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Freeze a batch with this seq.
    Freeze(u64),
    /// Send these bytes.
    Send(Rc<[u8]>),
}

/// What an answer did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Nothing: no call that is under way is concerned.
    Unknown,
    /// The batch is merged.
    Acknowledged,
    /// The batch is sent again later.
    Failed,
    /// The batch can never be merged, and is dropped.
    Refused,
}

#[derive(Debug, Default)]
enum Phase {
    /// No batch is frozen.
    #[default]
    Gathering,
    /// A batch waits to be sent.
    Frozen(Rc<[u8]>),
    /// A batch was sent, by this call if it is known.
    Sent { bytes: Rc<[u8]>, call: Option<u32>, answer_until_ns: u64 },
}

/// The reporting of one VM.
#[derive(Debug, Default)]
pub struct Reporter {
    phase: Phase,
    /// Seq of the newest frozen batch; 0: none yet.
    seq: u64,
    next_ns: u64,
    last_freeze_ns: u64,
    failures: u32,
    /// Random number that tells this VM's time to report from that of others.
    lot: u64,
    /// The control plane has not been told yet that the newest configuration is obeyed.
    untold: bool,
}

impl Reporter {
    /// Gives up on an answer that is overdue.
    pub fn expire(&mut self, now_ns: u64, draw: u64) -> Answer {
        match self.phase {
            Phase::Sent { answer_until_ns, .. } if now_ns >= answer_until_ns => self.fail(now_ns, draw),
            Phase::Sent { .. } | Phase::Gathering | Phase::Frozen(_) => Answer::Unknown,
        }
    }

    /// What to do at `now_ns`, which is `unix_ns` on the wall clock. `idle`: there is nothing to tell but that the VM
    /// lives.
    pub fn step(&mut self, now_ns: u64, unix_ns: u64, interval_ms: u32, idle: bool) -> Step {
        let news = self.untold && matches!(self.phase, Phase::Gathering);
        if now_ns < self.next_ns && !news {
            return Step::Wait;
        }
        match &self.phase {
            Phase::Sent { .. } => Step::Wait,
            Phase::Frozen(bytes) => {
                let bytes = Rc::clone(bytes);
                self.send(now_ns, &bytes);
                Step::Send(bytes)
            }
            Phase::Gathering
                if idle
                    && !news
                    && self.seq > 0
                    && now_ns < self.last_freeze_ns.saturating_add(IDLE_INTERVAL_NS) =>
            {
                Step::Wait
            }
            Phase::Gathering => {
                self.next_ns = now_ns.saturating_add(self.wait(unix_ns, interval_ms));
                self.last_freeze_ns = now_ns;
                self.untold = false;
                self.seq += 1;
                Step::Freeze(self.seq)
            }
        }
    }

    /// Gives the VM its lot, a random number, and puts off its first report until it is due by that.
    pub fn spread(&mut self, now_ns: u64, unix_ns: u64, interval_ms: u32, lot: u64) {
        if self.seq == 0 && self.next_ns == 0 {
            self.lot = lot;
            self.next_ns = now_ns.saturating_add(self.wait(unix_ns, interval_ms));
        }
    }

    /// Nanoseconds until a report is due: at most one interval.
    fn wait(&self, unix_ns: u64, interval_ms: u32) -> u64 {
        let interval = u64::from(interval_ms.max(1)) * MILLISECOND;
        let seconds = part(interval / SECOND, self.lot.rotate_left(32)) * SECOND;
        let offset = seconds + SETTLED_AFTER_NS + part(SPREAD_NS, self.lot);
        interval - unix_ns.saturating_sub(offset) % interval
    }

    /// The batch of the seq that [`Step::Freeze`] named, ready to be sent at once.
    pub fn frozen(&mut self, now_ns: u64, bytes: Rc<[u8]>) {
        self.send(now_ns, &bytes);
    }

    fn send(&mut self, now_ns: u64, bytes: &Rc<[u8]>) {
        let answer_until_ns = now_ns.saturating_add(ANSWER_WITHIN_NS);
        self.phase = Phase::Sent { bytes: Rc::clone(bytes), call: None, answer_until_ns };
    }

    /// The call of the batch that was just sent; `None`: it could not be made.
    pub fn called(&mut self, now_ns: u64, token: Option<u32>, draw: u64) -> Answer {
        match (&mut self.phase, token) {
            (Phase::Sent { call, .. }, Some(token)) => {
                *call = Some(token);
                Answer::Unknown
            }
            (Phase::Sent { .. }, None) => self.fail(now_ns, draw),
            (Phase::Gathering | Phase::Frozen(_), _) => Answer::Unknown,
        }
    }

    /// An answer with the seq that it acknowledges.
    pub fn acknowledged(&mut self, now_ns: u64, token: u32, seq: u64, draw: u64) -> Answer {
        if !self.awaits(token) {
            return Answer::Unknown;
        }
        if seq != self.seq {
            return self.fail(now_ns, draw);
        }
        self.settle();
        Answer::Acknowledged
    }

    /// A call that ended with a status other than OK.
    pub fn closed(&mut self, now_ns: u64, token: u32, status: u32, draw: u64) -> Answer {
        if !self.awaits(token) {
            return Answer::Unknown;
        }
        if status != INVALID_ARGUMENT {
            return self.fail(now_ns, draw);
        }
        self.settle();
        Answer::Refused
    }

    /// A new configuration came: it is told at once, not at the next interval. The answer under way is lost with the
    /// root context that awaits it, so the batch is sent again; it counts once all the same.
    pub fn reconfigured(&mut self, now_ns: u64) {
        // The first report of a VM tells its configuration anyway, and is spread.
        self.untold = self.seq > 0;
        self.phase = match std::mem::take(&mut self.phase) {
            Phase::Sent { bytes, .. } => {
                self.next_ns = now_ns;
                Phase::Frozen(bytes)
            }
            other @ (Phase::Gathering | Phase::Frozen(_)) => other,
        };
    }

    fn awaits(&self, token: u32) -> bool {
        matches!(&self.phase, Phase::Sent { call: Some(call), .. } if *call == token)
    }

    fn settle(&mut self) {
        self.phase = Phase::Gathering;
        self.failures = 0;
    }

    fn fail(&mut self, now_ns: u64, draw: u64) -> Answer {
        let Phase::Sent { bytes, .. } = std::mem::take(&mut self.phase) else { return Answer::Unknown };
        self.phase = Phase::Frozen(bytes);
        let backoff = FIRST_BACKOFF_NS.saturating_mul(1 << self.failures.min(10)).min(MAX_BACKOFF_NS);
        self.failures = self.failures.saturating_add(1);
        // Between half of it and all of it.
        self.next_ns = now_ns.saturating_add(backoff / 2 + part(backoff / 2, draw));
        Answer::Failed
    }
}

/// A part of a duration, from nothing to all of it.
fn part(duration: u64, draw: u64) -> u64 {
    u64::try_from((u128::from(duration) * u128::from(draw)) >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests;

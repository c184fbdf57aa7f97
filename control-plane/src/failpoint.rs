//! Named places where the process dies when a test asks for it, to show that a crash there loses nothing.
//!
//! The environment variable `SERIN_FAILPOINT` is read once, at the start of the binary, by [`arm`]. Without it a
//! point costs one load of a static.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A place around an effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failpoint {
    /// The decision is made, nothing is written.
    BeforePersist,
    /// The decision is written, no filter knows.
    AfterPersist,
    /// Just before the new assignment is offered to the streams.
    BeforePublish,
    /// The new assignment is offered to the streams.
    AfterPublish,
    /// Just before anyone is told.
    BeforeNotify,
    /// All effects are done; the caller has no answer yet.
    AfterNotify,
    /// The artifacts of a release are kept, its versions are not written.
    BeforeRegister,
    /// They are written; the caller has no answer yet.
    AfterRegister,
    /// Schema changes ran and are recorded, and are not committed.
    BeforeCommit,
    /// They are committed; the journal does not know.
    AfterCommit,
    /// A command is noted in the audit log, and has not acted.
    AfterAsked,
    /// The evidence of a decision cannot be written. Nothing ends here.
    BundleFails,
}

static ARMED: OnceLock<Failpoint> = OnceLock::new();

impl Failpoint {
    /// The places that a decision passes, in order.
    pub const DECISION: [Self; 6] = [
        Self::BeforePersist,
        Self::AfterPersist,
        Self::BeforePublish,
        Self::AfterPublish,
        Self::BeforeNotify,
        Self::AfterNotify,
    ];
    /// The places that a registration passes, in order.
    pub const REGISTRATION: [Self; 2] = [Self::BeforeRegister, Self::AfterRegister];
    /// The others.
    pub const OTHERS: [Self; 2] = [Self::AfterAsked, Self::BundleFails];

    /// The places that schema changes pass, in order.
    pub const MIGRATION: [Self; 2] = [Self::BeforeCommit, Self::AfterCommit];

    /// Name, as in `SERIN_FAILPOINT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforePersist => "before_persist",
            Self::AfterPersist => "after_persist",
            Self::BeforePublish => "before_publish",
            Self::AfterPublish => "after_publish",
            Self::BeforeNotify => "before_notify",
            Self::AfterNotify => "after_notify",
            Self::BeforeRegister => "before_register",
            Self::AfterRegister => "after_register",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
            Self::AfterAsked => "after_asked",
            Self::BundleFails => "bundle_fails",
        }
    }

    /// True when a test asks for what this point is called after.
    #[must_use]
    pub fn is_armed(self) -> bool {
        ARMED.get() == Some(&self)
    }

    /// Ends the process here, without any clean-up, when this point is armed.
    pub fn reach(self) {
        if self.is_armed() {
            std::process::abort();
        }
    }
}

impl fmt::Display for Failpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no failpoint.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a failpoint; there are before_ and after_ persist, publish, notify, register and commit, after_asked and bundle_fails"
)]
pub struct UnknownFailpoint(String);

impl FromStr for Failpoint {
    type Err = UnknownFailpoint;

    fn from_str(name: &str) -> Result<Self, UnknownFailpoint> {
        let all =
            Self::DECISION.into_iter().chain(Self::REGISTRATION).chain(Self::MIGRATION).chain(Self::OTHERS);
        let found = all.into_iter().find(|point| point.name() == name);
        found.ok_or_else(|| UnknownFailpoint(name.to_owned()))
    }
}

/// Arms one point for the life of the process. The first call counts.
pub fn arm(point: Failpoint) {
    ARMED.get_or_init(|| point);
}

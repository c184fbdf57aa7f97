//! What a rollout remembers beside where it stands: a way back in stages.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serin_analysis::verdict::Alarm;
use serin_proto::assignment::Weight;

use crate::{Cause, Judgement, UnixMillis};

/// A rollback in stages that is under way.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Returning {
    /// Why.
    pub cause: Cause,
    /// Weight when it began.
    #[serde(with = "crate::text::ppm")]
    pub from_ppm: Weight,
    /// When it began.
    pub since: UnixMillis,
    /// When its last stage did.
    pub stage_since: UnixMillis,
    /// Whether the evidence was against the version as a whole when it began.
    pub version: bool,
    /// Components that it was against.
    pub components: BTreeSet<String>,
}

impl Returning {
    pub(crate) fn new(cause: &Cause, from: Weight, evidence: Option<&Judgement>, at: UnixMillis) -> Self {
        let alarm = evidence.and_then(|judgement| judgement.alarm.as_ref());
        let components = match alarm {
            Some(Alarm::Components(names)) => names.iter().cloned().collect(),
            Some(Alarm::Version) | None => BTreeSet::new(),
        };
        Self {
            cause: cause.clone(),
            from_ppm: from,
            since: at,
            stage_since: at,
            version: alarm == Some(&Alarm::Version),
            components,
        }
    }

    /// Whether the evidence is against more than when it began.
    pub(crate) fn is_exceeded_by(&self, alarm: Option<&Alarm>) -> bool {
        match alarm {
            None => false,
            Some(Alarm::Version) => !self.version,
            Some(Alarm::Components(names)) => {
                !self.version && names.iter().any(|name| !self.components.contains(name))
            }
        }
    }
}

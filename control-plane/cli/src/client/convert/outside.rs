//! Triggers, queries and health checks.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{Moment, OutsideReading};

pub(super) fn reading(reading: proto::OutsideReading) -> OutsideReading {
    OutsideReading {
        kind: reading.kind,
        name: reading.name,
        state: reading.state,
        text: reading.text,
        since: moment!(reading.since),
        component: reading.component,
        action: reading.action,
        age_s: reading.age_s,
        value: reading.value,
        confidence: reading.confidence,
        silent: reading.silent,
    }
}

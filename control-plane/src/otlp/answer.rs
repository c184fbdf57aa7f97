//! What the sender of log records is told: how many of those that were meant to count do not, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use super::count::Fate;

/// `ExportLogsServiceResponse`.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// What was not taken. `None`: everything was.
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// `ExportLogsPartialSuccess`.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    #[serde(serialize_with = "as_text")]
    pub(super) rejected_log_records: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

impl Answer {
    /// Tells what became of the records of a request.
    pub(super) fn of(fates: &BTreeMap<Fate, u64>) -> Self {
        let rejected = fates.iter().filter_map(|(fate, records)| Some((fate.complaint()?, *records)));
        let (mut sum, mut sentences) = (0_u64, Vec::new());
        for (complaint, records) in rejected {
            sum = sum.saturating_add(records);
            sentences.push(format!("{records} records {complaint}"));
        }
        if sentences.is_empty() {
            return Self { partial_success: None };
        }
        let rejected_log_records = i64::try_from(sum).unwrap_or(i64::MAX);
        Self {
            partial_success: Some(PartialSuccess {
                rejected_log_records,
                error_message: sentences.join("; "),
            }),
        }
    }
}

/// JSON has numbers of 64 bits as text.
fn as_text<S: serde::Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

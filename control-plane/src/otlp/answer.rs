//! What the sender is told: how many of its log records, spans or points are not taken as they were meant, and why.

use super::Signal;

/// `ExportLogsServiceResponse` and those of traces and metrics, which are alike in protobuf.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Answer {
    /// What was not taken. `None`: everything was.
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// `ExportLogsPartialSuccess` and those of traces and metrics.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

impl Answer {
    /// Tells what became of what a request holds, by how often there is something to complain about. What there are only `remarks` on is not
    /// rejected.
    pub(super) fn of(
        signal: Signal,
        complaints: impl Iterator<Item = (&'static str, u64)>,
        remarks: impl Iterator<Item = (&'static str, u64)>,
    ) -> Self {
        let (mut sum, mut sentences) = (0_u64, Vec::new());
        for (complaint, count) in complaints {
            sum = sum.saturating_add(count);
            sentences.push(format!("{count} {} {complaint}", signal.unit()));
        }
        sentences.extend(remarks.map(|(remark, count)| format!("{count} {} {remark}", signal.unit())));
        if sentences.is_empty() {
            return Self { partial_success: None };
        }
        let rejected = i64::try_from(sum).unwrap_or(i64::MAX);
        Self { partial_success: Some(PartialSuccess { rejected, error_message: sentences.join("; ") }) }
    }

    /// In OTLP's JSON encoding, which has numbers of 64 bits as text.
    pub(super) fn json(&self, signal: Signal) -> serde_json::Value {
        let Some(PartialSuccess { rejected, error_message }) = &self.partial_success else {
            return serde_json::json!({});
        };
        let rejected = rejected.to_string();
        serde_json::json!({"partialSuccess": {signal.rejected(): rejected, "errorMessage": error_message}})
    }
}

//! Envoys.

use serde::Serialize;

use super::Moment;

/// One Envoy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Node {
    pub(crate) node: String,
    pub(crate) cluster: String,
    pub(crate) connected: bool,
    pub(crate) vms: u32,
    pub(crate) generation_min: u64,
    pub(crate) generation_max: u64,
    /// `None`: Envoy acknowledged none yet.
    pub(crate) generation_acknowledged: Option<u64>,
    pub(crate) last_report_at: Option<Moment>,
    pub(crate) vm_restarts: u64,
    pub(crate) rejected: u64,
    pub(crate) last_rejection: Option<String>,
    pub(crate) filter_version: String,
    pub(crate) reports: u64,
    pub(crate) requests_lost: u64,
}

//! What log lines say beside the requests: their templates, how often each arm writes them, and which of them are anomalous.
//!
//! * [`mask`] takes what varies out of a line.
//! * [`Templates`] groups the lines of one service by templates and counts them by arm and second, within bounds.
//! * [`classify`] tells how probable it is that a template is anomalous, from labelled history or, without any, from severity.
//! * [`history`] reads labelled history: Loghub's tables and lines of JSON.
//! * [`metrics`] says how good templates and probabilities are.
//! * [`evaluate`] measures both on a history.
//! * [`generate`] makes labelled logs whose templates are known.
//!
//! Whether a rate differs between arms is not decided here: that is for sequential tests, to which [`Templates::drain`] gives
//! counts. Everything is a function of its arguments: no clock, no file, no random numbers but those of a seed. The same lines in
//! the same order give the same templates, counts and models, to the bit.
#![forbid(unsafe_code)]

pub mod classify;
mod drain;
pub mod evaluate;
pub mod generate;
pub mod history;
mod line;
pub mod mask;
pub mod metrics;
mod templates;

pub use drain::{CHILDREN_MAX, LEAF_MAX, RESERVED, TEMPLATES_MAX};
pub use line::{LogLine, Severity};
pub use templates::{
    CELLS_MAX, EXCEPTION_BYTES, MEMORY_BYTES_MAX, SAMPLE_BYTES, SAMPLES_MAX, SECONDS_MAX, Sample, Seen, Shed,
    Template, TemplateCount, TemplateId, Templates,
};

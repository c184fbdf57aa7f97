//! Forecasts of signals and gauges: several models, chosen by how well they did lately.
//!
//! Every [`model::Model`] learns from a series of equal steps in which points may be missing. [`backtest`] lets it
//! forecast again and again from what was known at the time; [`choice`] takes the simplest model that is not clearly
//! beaten. [`calibrated`] widens or narrows its intervals until they hold as often as they say. [`watch`] looks
//! at a gauge with a limit, such as memory, and tells when the limit will be crossed.
//!
//! The filters and smoothings that a rollout uses live in `serin_analysis::forecast` and are used from there; here is
//! what needs a whole series: fitting, seasons, backtests. This crate reads no clock, draws no random number that is
//! not seeded, and does no I/O. All state is bounded, and the same input gives the same bits.

#![forbid(unsafe_code)]

pub mod backtest;
pub mod calibrated;
pub mod choice;
pub mod evaluation;
pub mod figures;
pub mod generated;
mod holt;
pub mod lstm;
pub mod model;
pub mod nab;
mod naive;
mod online;
mod search;
mod seasonal;
mod trend;
pub mod watch;

pub use backtest::{BacktestSettings, Score, Share};
pub use calibrated::{Calibrated, Prediction};
pub use choice::{Contest, contest};
pub use evaluation::{Evaluation, EvaluationError, Summary, evaluate, summaries};
pub use figures::{Figures, GroupFigures, MeasureSettings, measure};
pub use holt::DampedHolt;
pub use lstm::Lstm;
pub use model::{Kind, Model};
pub use naive::{Naive, SeasonalNaive};
pub use seasonal::{SeasonalSettings, SeasonalSmoothing};
pub use trend::ScaledTrend;
pub use watch::{Cause, Exposure, Outlook, Watch, WatchSettings};

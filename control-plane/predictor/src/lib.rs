//! Whether a deployment will be rolled back: learned from past deployments, calibrated, and explained.
//!
//! A [`table::Table`] is read strictly from CSV, JSON or Parquet; a [`table::History`] is what of it has a time and an outcome.
//! [`training::Training`] chooses a model in the order of time and gives a [`document::Document`], which answers for new deployments and for the gate of a
//! pipeline ([`gate`]). All of it is deterministic: the same table and settings give the same bits.
//!
//! It is pure: no clock, no file, no randomness but from a seed.

#![forbid(unsafe_code)]

pub mod calibration;
pub mod comparison;
pub mod document;
pub mod drift;
pub mod folds;
pub mod gaps;
pub mod gate;
pub mod importance;
pub mod matrix;
pub mod metrics;
pub mod model;
pub mod predictor;
pub mod report;
pub mod simulate;
pub mod summary;
pub mod table;
pub mod training;

//! The pages of the dashboard, as pure functions: what the API says in, HTML out.
//!
//! A page is made of *parts*, elements with an identifier. The same rendering serves the first load and the live stream, which sends
//! only the parts that changed: so there is one place that knows how a thing looks, pages are whole without a script, and what a
//! hundred people watch is rendered once. Input are the messages of `serin.admin.v1`, so a page cannot show what the API does not
//! say. Every text is escaped by the templates. This crate reads no clock, asks nobody and loads nothing from elsewhere.

#![forbid(unsafe_code)]

mod chart;
mod clock;
mod reasons;
mod text;
mod view;
mod words;

pub mod assets;
pub mod compare;
pub mod component;
pub mod confirm;
pub mod decision;
pub mod decisions;
pub mod document;
pub mod fleet;
pub mod graph;
pub mod history;
pub mod nodes;
pub mod part;
pub mod problem;
pub mod radius;
pub mod rollout;
pub mod sign_in;

pub use document::{Frame, Viewer, document};
pub use part::{Part, Parts, Rendered, changes};

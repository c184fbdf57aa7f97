//! The control plane as its clients meet it: real gRPC and HTTP over loopback, a real database in a folder.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod admin;
mod alone;
mod audit;
mod behaviour;
mod components;
mod crash;
mod dashboard;
mod dependencies;
mod ecds;
mod emergency;
mod evidence;
mod experiment;
mod fleet;
mod gate;
mod guarded;
mod hooks;
mod http;
mod learning;
mod metrics;
mod notify;
mod ofrep;
mod otlp;
mod outside;
mod record;
mod registry;
mod stages;
mod stalled;
mod start;
mod support;
mod traces;
mod trains;
mod turns;
mod watch;

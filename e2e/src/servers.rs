//! Servers of others that Serin talks to, started for tests and demos: the real ones, on ports of the harness.

pub mod postgres;

//! Everything that runs Serin as a whole: the harness, the sample service, the load generator, the demo, the benches
//! and the checks that CI runs.
//!
//! The harness runs the real parts (a pinned Envoy, the built filter, the built control plane) and owns every process and
//! port that it uses: [`process`] and [`ports`] leave nothing behind, however a run ends. It is the only crate that sees
//! all others; nothing depends on it, and nothing in it is part of a release.

pub mod bench;
pub mod bootstrap;
pub mod browser;
pub mod checks;
pub mod clients;
pub mod control_plane;
pub mod demo;
pub mod draws;
pub mod envoy;
pub mod http;
pub mod load;
pub mod pictures;
pub mod ports;
pub mod process;
pub mod sample;
pub mod servers;
pub mod tools;
pub mod workspace;

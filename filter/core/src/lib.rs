//! What Serin's Envoy filter decides and remembers, without Envoy.
//!
//! * [`router`] finds the service and component of a request, [`arms`] its arm;
//! * [`outcome`] names what became of it, [`recorder`] counts it by component, start second and arm;
//! * [`beacon`] is what a browser or an app says of a page view, [`behaviour`] counts page views by component, second and arm;
//! * [`routes`] finds the tags that a route carries in its metadata;
//! * [`report`] freezes the counts into batches and resends each until it is acknowledged;
//! * [`filter`] ties these to the life of one WASM VM: configure, request, finish, tick, answer.
//!
//! The crate is pure, so that every path of the filter runs natively, under property tests and as WASM without a
//! proxy: clock readings, random draws and header values are arguments. It reads no clock, randomness,
//! environment or global, makes no hostcall, and accepts any bytes in any order.
#![forbid(unsafe_code)]

pub mod abi;
pub mod arms;
pub mod baggage;
pub mod beacon;
pub mod behaviour;
pub mod filter;
pub mod outcome;
pub mod recorder;
pub mod report;
pub mod request;
pub mod router;
pub mod routes;

mod hash;
mod train;

//! The filter as Envoy loads it: proxy-wasm callbacks and hostcalls around [`serin_filter_core`].
//!
//! It speaks the proxy-wasm ABI 0.2.1 by itself instead of through the `proxy-wasm` crate: crossing the border
//! between Envoy and the module is what a WASM filter costs, and the crate exports every callback of the ABI,
//! allocates for every header and panics when a hostcall returns a status that it does not expect. Here
//! `callbacks` exports the callbacks that are used and no other, `hostcalls` makes every hostcall and returns
//! failures as values, and what is returned lies in a fixed arena that each callback reuses. What the module imports
//! and exports is listed in `abi.txt` beside the manifest.
//!
//! One state serves all contexts of a VM and outlives the root contexts that Envoy makes at each new configuration.
//! All plugin configurations of one `vm_id` must therefore carry the same assignment.
//!
//! It decides nothing: that is the core's. It never pauses a request, answers one, or touches a body, with one exception: a
//! beacon of a service that takes them ends here.
#![cfg(target_arch = "wasm32")]

mod callbacks;
mod hostcalls;
mod stats;
mod views;
mod vm;

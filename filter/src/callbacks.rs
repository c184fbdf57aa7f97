//! What Envoy calls. Each callback opens a [`Call`] and hands it to the state of the VM.
//!
//! Callbacks that are absent here are skipped by the host, which saves their cost. Contexts need no callback to be
//! created or deleted: a request is known from its headers to its log.
#![expect(unsafe_code, reason = "exports have the names that the ABI gives them")]

use serin_filter_core::filter::Dispatch;

use crate::hostcalls::{self, Call};
use crate::vm::{Flow, Vm};

/// Says which ABI the module speaks; never called.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Begins the life of the module. Were it absent, the linker would wrap every callback in a start and an end of its own.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    hostcalls::construct();
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _configuration_bytes: usize) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_root: u32, configuration_bytes: usize) -> bool {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.configure(&call, configuration_bytes)).unwrap_or(false)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(_root: u32) {
    let call = Call::enter();
    let dispatch = Vm::with(&call, |vm| vm.tick(&call)).flatten();
    send(&call, dispatch);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _headers: usize, end_of_stream: bool) -> u32 {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.request(&call, context, end_of_stream)).unwrap_or(Flow::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, body_bytes: usize, end_of_stream: bool) -> u32 {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.body(&call, context, body_bytes, end_of_stream)).unwrap_or(Flow::Continue) as u32
}

/// Trailers end a body, too.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, _trailers: usize) -> u32 {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.trailers(&call, context)).unwrap_or(Flow::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.finished(&call, context));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive(_root: u32, token: u32, bytes: usize) {
    let call = Call::enter();
    let dispatch = Vm::with(&call, |vm| vm.acknowledged(&call, token, bytes)).flatten();
    send(&call, dispatch);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_close(_root: u32, token: u32, status: u32) {
    let call = Call::enter();
    Vm::with(&call, |vm| vm.closed(&call, token, status));
}

/// Sends a report. The host may answer before it returns, so the state is not borrowed meanwhile.
fn send(call: &Call, dispatch: Option<Dispatch>) {
    if let Some(dispatch) = dispatch {
        let token = call.report(&dispatch);
        Vm::with(call, |vm| vm.called(call, token));
    }
}

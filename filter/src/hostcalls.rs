//! Every hostcall, as a method of [`Call`] that returns failures as `None` or `false`.
//!
//! The host writes what it returns into memory that it asks the module for. That memory is a fixed arena, given out
//! from its beginning and reused by the next callback, so that the hot path allocates nothing; values that do not
//! fit come from the allocator and are freed at the next callback. What a method returns lives as long as the
//! call's borrow, and so cannot outlive the callback. A callback may come while another is under way (an answer within
//! the call that asked); only the outermost one reuses the arena.
#![expect(unsafe_code, reason = "the one place that makes hostcalls")]

use std::ptr;

use serin_filter_core::abi::{self, HeaderPairs};
use serin_filter_core::filter::Dispatch;
use serin_filter_core::report::CALL_DEADLINE_MS;

mod imports;
mod memory;

const OK: u32 = 0;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const REQUEST_BODY: u32 = 0;
const GRPC_RECEIVE_BUFFER: u32 = 5;
const PLUGIN_CONFIGURATION: u32 = 7;
const LOG_ERROR: u32 = 4;
/// Stands for no gRPC status.
const NO_GRPC_STATUS: i32 = -1;

/// What a metric does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MetricKind {
    Counter = 0,
    Gauge = 1,
}

/// A metric that the host knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric(u32);

/// An expression that the host has compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expression([u8; 4]);

/// One callback under way: the right to make hostcalls.
#[derive(Debug)]
pub(crate) struct Call(());

/// Runs what must run before anything else in the module. Called once, by the host's first call.
pub(crate) fn construct() {
    // SAFETY: nothing of the module has run yet, and nothing else calls it.
    unsafe { imports::__wasm_call_ctors() };
}

impl Drop for Call {
    fn drop(&mut self) {
        memory::leave();
    }
}

impl Call {
    /// Begins a callback.
    pub(crate) fn enter() -> Self {
        memory::enter();
        Self(())
    }

    /// A value that the host writes; `None` if it refuses. An empty value may come without memory.
    fn value(&self, fetch: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<&[u8]> {
        let mut start = ptr::null_mut();
        let mut bytes = 0;
        if fetch(&raw mut start, &raw mut bytes) != OK {
            return None;
        }
        if start.is_null() || bytes == 0 {
            return Some(&[]);
        }
        // SAFETY: the host wrote `bytes` bytes to memory that `proxy_on_memory_allocate` gave it during this
        // callback. That memory is not written again before the outermost `Call` is entered anew, which cannot
        // happen while this one is borrowed.
        Some(unsafe { std::slice::from_raw_parts(start, bytes) })
    }

    fn header(&self, map: u32, name: &str) -> Option<&[u8]> {
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        self.value(|value, bytes| unsafe {
            imports::proxy_get_header_map_value(map, name.as_ptr(), name.len(), value, bytes)
        })
    }

    /// All request headers. Takes no longer than one of them alone, because each value makes the host call back for
    /// memory.
    pub(crate) fn request_headers(&self) -> HeaderPairs<'_> {
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        let pairs = self.value(|pairs, bytes| unsafe {
            imports::proxy_get_header_map_pairs(REQUEST_HEADERS, pairs, bytes)
        });
        HeaderPairs::new(pairs.unwrap_or_default())
    }

    /// A request header.
    pub(crate) fn request_header(&self, name: &str) -> Option<&[u8]> {
        self.header(REQUEST_HEADERS, name)
    }

    /// A response header.
    pub(crate) fn response_header(&self, name: &str) -> Option<&[u8]> {
        self.header(RESPONSE_HEADERS, name)
    }

    /// A response trailer.
    pub(crate) fn response_trailer(&self, name: &str) -> Option<&[u8]> {
        self.header(RESPONSE_TRAILERS, name)
    }

    /// Gives a request header this value alone.
    pub(crate) fn replace_request_header(&self, name: &str, value: &str) -> bool {
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        let status = unsafe {
            imports::proxy_replace_header_map_value(
                REQUEST_HEADERS,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        };
        status == OK
    }

    /// Removes a request header.
    pub(crate) fn remove_request_header(&self, name: &str) {
        // SAFETY: the pointer is valid for the call; the host keeps none. A header that is not there is no failure.
        unsafe { imports::proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
    }

    /// Lets Envoy select the route anew.
    pub(crate) fn clear_route_cache(&self) -> bool {
        self.foreign("clear_route_cache", &[], ptr::null_mut(), ptr::null_mut())
    }

    /// Gives an expression over the attributes of a request to the host, for the streams of this root context.
    pub(crate) fn compile(&self, expression: &str) -> Option<Expression> {
        let token = self.value(|result, bytes| {
            if self.foreign("expr_create", expression.as_bytes(), result, bytes) { OK } else { !OK }
        });
        token.and_then(|token| token.try_into().ok()).map(Expression)
    }

    /// Whether an expression has a value: false if it fails, or the host does not know it. The value is not fetched,
    /// which saves the host's call for memory.
    pub(crate) fn has_value(&self, expression: Expression) -> bool {
        self.foreign("expr_evaluate", &expression.0, ptr::null_mut(), ptr::null_mut())
    }

    fn foreign(&self, name: &str, argument: &[u8], result: *mut *mut u8, bytes: *mut usize) -> bool {
        // SAFETY: the pointers are valid for the call, and the host keeps none of them. It writes no result where the
        // pointers for it are null.
        let status = unsafe {
            imports::proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                argument.as_ptr(),
                argument.len(),
                result,
                bytes,
            )
        };
        status == OK
    }

    /// A property; the parts of its path are separated by zero bytes.
    pub(crate) fn property(&self, path: &str) -> Option<&[u8]> {
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        self.value(|value, bytes| unsafe {
            imports::proxy_get_property(path.as_ptr(), path.len(), value, bytes)
        })
    }

    /// Sets a property, which Envoy keeps as filter state `wasm.<path>`.
    pub(crate) fn set_property(&self, path: &str, value: &str) -> bool {
        // SAFETY: the pointers are valid for the call; the host copies the value.
        let status =
            unsafe { imports::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
        status == OK
    }

    /// The plugin's configuration.
    pub(crate) fn configuration(&self, bytes: usize) -> Option<&[u8]> {
        self.buffer(PLUGIN_CONFIGURATION, bytes)
    }

    /// The message that answers a gRPC call.
    pub(crate) fn grpc_message(&self, bytes: usize) -> Option<&[u8]> {
        self.buffer(GRPC_RECEIVE_BUFFER, bytes)
    }

    /// The request's body, as far as the host keeps it.
    pub(crate) fn request_body(&self, max_bytes: usize) -> Option<&[u8]> {
        self.buffer(REQUEST_BODY, max_bytes)
    }

    /// Answers the request. The host sends it when the callback has returned.
    pub(crate) fn respond(&self, status: u16, headers: &[(&str, &str)], body: &str) -> bool {
        const DETAILS: &str = "serin_beacon";
        let headers = abi::pairs(headers);
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        let status = unsafe {
            imports::proxy_send_local_response(
                status.into(),
                DETAILS.as_ptr(),
                DETAILS.len(),
                body.as_ptr(),
                body.len(),
                headers.as_ptr(),
                headers.len(),
                NO_GRPC_STATUS,
            )
        };
        status == OK
    }

    fn buffer(&self, buffer: u32, max_bytes: usize) -> Option<&[u8]> {
        if max_bytes == 0 {
            return Some(&[]);
        }
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        self.value(|value, bytes| unsafe {
            imports::proxy_get_buffer_bytes(buffer, 0, max_bytes, value, bytes)
        })
    }

    /// Nanoseconds of a clock that is never set.
    pub(crate) fn monotonic_ns(&self) -> u64 {
        self.clock(CLOCK_MONOTONIC)
    }

    /// Nanoseconds since 1970.
    pub(crate) fn unix_ns(&self) -> u64 {
        self.clock(CLOCK_REALTIME)
    }

    fn clock(&self, clock: u32) -> u64 {
        let mut time = 0;
        // SAFETY: the pointer is valid for the call. On failure the time stays 0, which the core tolerates.
        unsafe { imports::clock_time_get(clock, 1, &raw mut time) };
        time
    }

    /// A random number; `None` if the host has none.
    pub(crate) fn random(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        // SAFETY: the buffer has the length that is said.
        let status = unsafe { imports::random_get(bytes.as_mut_ptr(), bytes.len()) };
        (status == OK).then(|| u64::from_le_bytes(bytes))
    }

    /// Asks for ticks.
    pub(crate) fn tick_every(&self, milliseconds: u32) {
        // SAFETY: plain numbers.
        unsafe { imports::proxy_set_tick_period_milliseconds(milliseconds) };
    }

    /// Writes to Envoy's log.
    pub(crate) fn log_error(&self, message: &str) {
        // SAFETY: the pointer is valid for the call; the host copies the text.
        unsafe { imports::proxy_log(LOG_ERROR, message.as_ptr(), message.len()) };
    }

    /// Makes a metric known to the host; the same name gives the same metric.
    pub(crate) fn define_metric(&self, kind: MetricKind, name: &str) -> Option<Metric> {
        let mut metric = 0;
        // SAFETY: the pointers are valid for the call; the host copies the name.
        let status =
            unsafe { imports::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut metric) };
        (status == OK).then_some(Metric(metric))
    }

    /// Adds to a counter.
    pub(crate) fn increment(&self, metric: Metric, by: u64) {
        // SAFETY: plain numbers; the host checks that it knows the metric.
        unsafe { imports::proxy_increment_metric(metric.0, i64::try_from(by).unwrap_or(i64::MAX)) };
    }

    /// Sets a gauge.
    pub(crate) fn record(&self, metric: Metric, value: u64) {
        // SAFETY: plain numbers; the host checks that it knows the metric.
        unsafe { imports::proxy_record_metric(metric.0, value) };
    }

    /// Sends a report; the token of the call, `None` if it cannot be made.
    pub(crate) fn report(&self, dispatch: &Dispatch) -> Option<u32> {
        const SERVICE: &str = "serin.fleet.v1.FleetService";
        const METHOD: &str = "Report";
        let service = abi::grpc_service(&dispatch.settings.cluster);
        let metadata = match &dispatch.settings.token {
            Some(token) => abi::pairs(&[("authorization", &format!("Bearer {token}"))]),
            None => abi::pairs(&[]),
        };
        let mut token = 0;
        // SAFETY: the pointers are valid for the call; the host copies what it keeps.
        let status = unsafe {
            imports::proxy_grpc_call(
                service.as_ptr(),
                service.len(),
                SERVICE.as_ptr(),
                SERVICE.len(),
                METHOD.as_ptr(),
                METHOD.len(),
                metadata.as_ptr(),
                metadata.len(),
                dispatch.body.as_ptr(),
                dispatch.body.len(),
                CALL_DEADLINE_MS,
                &raw mut token,
            )
        };
        (status == OK).then_some(token)
    }
}

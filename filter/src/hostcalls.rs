//! Every hostcall, as a method of [`Call`] that returns failures as `None` or `false`.
//!
//! The host writes what it returns into memory that it asks the module for. That memory is a fixed arena, given out
//! from its beginning and reused by the next callback, so that the hot path allocates nothing; values that do not
//! fit come from the allocator and are freed at the next callback. What a method returns lives as long as the
//! call's borrow, and so cannot outlive the callback. A callback may come while another is under way (an answer within
//! the call that asked); only the outermost one reuses the arena.
#![expect(unsafe_code, reason = "the one file that makes hostcalls")]

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr;

use serin_filter_core::abi;
use serin_filter_core::filter::Dispatch;
use serin_filter_core::report::CALL_DEADLINE_MS;

mod host {
    //! The functions that the module imports.

    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(super) fn proxy_log(level: u32, message: *const u8, bytes: usize) -> u32;
        pub(super) fn proxy_get_header_map_value(
            map: u32,
            name: *const u8,
            name_bytes: usize,
            value: *mut *mut u8,
            value_bytes: *mut usize,
        ) -> u32;
        pub(super) fn proxy_replace_header_map_value(
            map: u32,
            name: *const u8,
            name_bytes: usize,
            value: *const u8,
            value_bytes: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(map: u32, name: *const u8, name_bytes: usize) -> u32;
        pub(super) fn proxy_get_property(
            path: *const u8,
            path_bytes: usize,
            value: *mut *mut u8,
            value_bytes: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_property(
            path: *const u8,
            path_bytes: usize,
            value: *const u8,
            value_bytes: usize,
        ) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            max_bytes: usize,
            value: *mut *mut u8,
            value_bytes: *mut usize,
        ) -> u32;
        pub(super) fn proxy_call_foreign_function(
            name: *const u8,
            name_bytes: usize,
            argument: *const u8,
            argument_bytes: usize,
            result: *mut *mut u8,
            result_bytes: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(super) fn proxy_define_metric(kind: u32, name: *const u8, bytes: usize, metric: *mut u32) -> u32;
        pub(super) fn proxy_increment_metric(metric: u32, by: i64) -> u32;
        pub(super) fn proxy_record_metric(metric: u32, value: u64) -> u32;
        pub(super) fn proxy_grpc_call(
            service: *const u8,
            service_bytes: usize,
            service_name: *const u8,
            service_name_bytes: usize,
            method_name: *const u8,
            method_name_bytes: usize,
            metadata: *const u8,
            metadata_bytes: usize,
            request: *const u8,
            request_bytes: usize,
            deadline_ms: u32,
            token: *mut u32,
        ) -> u32;
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(super) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
        pub(super) fn random_get(buffer: *mut u8, bytes: usize) -> u32;
    }
}

const OK: u32 = 0;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const GRPC_RECEIVE_BUFFER: u32 = 5;
const PLUGIN_CONFIGURATION: u32 = 7;
const LOG_ERROR: u32 = 4;

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

/// Bytes that a callback's values take from the arena; the rest is allocated.
const ARENA_BYTES: usize = 32 * 1024;
/// Largest single value that memory is given for.
const MAX_VALUE_BYTES: usize = 8 * 1024 * 1024;

/// The memory that the host writes to.
struct Memory {
    arena: UnsafeCell<[u8; ARENA_BYTES]>,
    used: Cell<usize>,
    large: RefCell<Vec<Vec<u8>>>,
    depth: Cell<u32>,
}

// SAFETY: a proxy-wasm VM has one thread.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory {
    arena: UnsafeCell::new([0; ARENA_BYTES]),
    used: Cell::new(0),
    large: RefCell::new(Vec::new()),
    depth: Cell::new(0),
};

/// Gives the host memory to write a value to; null if there is none.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(bytes: usize) -> *mut u8 {
    let used = MEMORY.used.get();
    if bytes <= ARENA_BYTES - used {
        MEMORY.used.set(used + bytes);
        // SAFETY: `used + bytes` is within the arena, so the pointer stays within it.
        return unsafe { MEMORY.arena.get().cast::<u8>().add(used) };
    }
    let mut value = Vec::new();
    if bytes > MAX_VALUE_BYTES || value.try_reserve_exact(bytes).is_err() {
        return ptr::null_mut();
    }
    value.resize(bytes, 0);
    let start = value.as_mut_ptr();
    match MEMORY.large.try_borrow_mut() {
        Ok(mut large) => {
            large.push(value);
            start
        }
        Err(_) => ptr::null_mut(),
    }
}

/// One callback under way: the right to make hostcalls.
#[derive(Debug)]
pub(crate) struct Call(());

impl Drop for Call {
    fn drop(&mut self) {
        MEMORY.depth.set(MEMORY.depth.get().saturating_sub(1));
    }
}

impl Call {
    /// Begins a callback.
    pub(crate) fn enter() -> Self {
        let depth = MEMORY.depth.get();
        if depth == 0 {
            MEMORY.used.set(0);
            if let Ok(mut large) = MEMORY.large.try_borrow_mut() {
                large.clear();
            }
        }
        MEMORY.depth.set(depth.saturating_add(1));
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
            host::proxy_get_header_map_value(map, name.as_ptr(), name.len(), value, bytes)
        })
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
            host::proxy_replace_header_map_value(
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
        unsafe { host::proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
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
            host::proxy_call_foreign_function(
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
            host::proxy_get_property(path.as_ptr(), path.len(), value, bytes)
        })
    }

    /// Sets a property, which Envoy keeps as filter state `wasm.<path>`.
    pub(crate) fn set_property(&self, path: &str, value: &str) -> bool {
        // SAFETY: the pointers are valid for the call; the host copies the value.
        let status =
            unsafe { host::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
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

    fn buffer(&self, buffer: u32, max_bytes: usize) -> Option<&[u8]> {
        if max_bytes == 0 {
            return Some(&[]);
        }
        // SAFETY: the pointers are valid for the call; the host keeps none of them.
        self.value(|value, bytes| unsafe { host::proxy_get_buffer_bytes(buffer, 0, max_bytes, value, bytes) })
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
        unsafe { host::clock_time_get(clock, 1, &raw mut time) };
        time
    }

    /// A random number; `None` if the host has none.
    pub(crate) fn random(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        // SAFETY: the buffer has the length that is said.
        let status = unsafe { host::random_get(bytes.as_mut_ptr(), bytes.len()) };
        (status == OK).then(|| u64::from_le_bytes(bytes))
    }

    /// Asks for ticks.
    pub(crate) fn tick_every(&self, milliseconds: u32) {
        // SAFETY: plain numbers.
        unsafe { host::proxy_set_tick_period_milliseconds(milliseconds) };
    }

    /// Writes to Envoy's log.
    pub(crate) fn log_error(&self, message: &str) {
        // SAFETY: the pointer is valid for the call; the host copies the text.
        unsafe { host::proxy_log(LOG_ERROR, message.as_ptr(), message.len()) };
    }

    /// Makes a metric known to the host; the same name gives the same metric.
    pub(crate) fn define_metric(&self, kind: MetricKind, name: &str) -> Option<Metric> {
        let mut metric = 0;
        // SAFETY: the pointers are valid for the call; the host copies the name.
        let status =
            unsafe { host::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut metric) };
        (status == OK).then_some(Metric(metric))
    }

    /// Adds to a counter.
    pub(crate) fn increment(&self, metric: Metric, by: u64) {
        // SAFETY: plain numbers; the host checks that it knows the metric.
        unsafe { host::proxy_increment_metric(metric.0, i64::try_from(by).unwrap_or(i64::MAX)) };
    }

    /// Sets a gauge.
    pub(crate) fn record(&self, metric: Metric, value: u64) {
        // SAFETY: plain numbers; the host checks that it knows the metric.
        unsafe { host::proxy_record_metric(metric.0, value) };
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
            host::proxy_grpc_call(
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

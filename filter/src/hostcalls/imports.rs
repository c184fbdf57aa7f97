//! The functions that the module imports, as the ABI declares them. Pointers need only be valid during the call.

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
    pub(super) fn proxy_get_header_map_pairs(map: u32, pairs: *mut *mut u8, bytes: *mut usize) -> u32;
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
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_bytes: usize,
        body: *const u8,
        body_bytes: usize,
        headers: *const u8,
        headers_bytes: usize,
        grpc_status: i32,
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

unsafe extern "C" {
    /// Made by the linker: what must run before anything else.
    pub(super) fn __wasm_call_ctors();
}

//! What the filter's module imports and exports, by the names under which Envoy lets a module have them.
//!
//! The list is that of `filter/abi.txt`, which the filter's build is checked against; a test holds the two together.
//! What is not listed here is refused to the module when its VM starts.

/// Host functions that the module calls, and callbacks that the host may make.
pub(super) const CAPABILITIES: &[&str] = &[
    "proxy_call_foreign_function",
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_grpc_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_property",
    "proxy_set_tick_period_milliseconds",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
    "random_get",
    "proxy_on_configure",
    "proxy_on_grpc_close",
    "proxy_on_grpc_receive",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CAPABILITIES;

    #[test]
    fn the_module_is_allowed_what_it_imports_and_exports_and_nothing_else() {
        let abi = concat!(env!("CARGO_MANIFEST_DIR"), "/../filter/abi.txt");
        let abi = std::fs::read_to_string(abi).unwrap();
        let names = abi.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty());
        let names = names.map(|line| line.rsplit('.').next().unwrap());
        // What Envoy looks up whatever is allowed.
        let always = ["_initialize", "memory", "proxy_abi_version_0_2_1"];
        let needed: BTreeSet<_> = names.filter(|name| !always.contains(name)).collect();
        assert_eq!(CAPABILITIES.iter().copied().collect::<BTreeSet<_>>(), needed);
    }
}

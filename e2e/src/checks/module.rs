//! What the filter's module may be: small, bounded in memory, and asking its host for nothing but what it needs.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};

/// Largest module.
const BYTES_MAX: usize = 400 * 1024;
/// Largest memory, in pages of 64 KiB: 32 MiB.
const PAGES_MAX: u64 = 512;

/// Host functions that the module may import. The shipped capability restrictions allow these and no more.
const IMPORTS: [(&str, &str); 20] = [
    ("env", "proxy_call_foreign_function"),
    ("env", "proxy_define_metric"),
    ("env", "proxy_get_buffer_bytes"),
    ("env", "proxy_get_header_map_pairs"),
    ("env", "proxy_get_header_map_value"),
    ("env", "proxy_get_property"),
    ("env", "proxy_grpc_call"),
    ("env", "proxy_increment_metric"),
    ("env", "proxy_log"),
    ("env", "proxy_record_metric"),
    ("env", "proxy_remove_header_map_value"),
    ("env", "proxy_replace_header_map_value"),
    ("env", "proxy_set_property"),
    ("env", "proxy_set_tick_period_milliseconds"),
    ("wasi_snapshot_preview1", "clock_time_get"),
    ("wasi_snapshot_preview1", "environ_get"),
    ("wasi_snapshot_preview1", "environ_sizes_get"),
    ("wasi_snapshot_preview1", "fd_write"),
    ("wasi_snapshot_preview1", "proc_exit"),
    ("wasi_snapshot_preview1", "random_get"),
];
/// What the module may export. The host calls every callback that it finds, so one too many costs time on each request.
const EXPORTS: [&str; 12] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_grpc_close",
    "proxy_on_grpc_receive",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// Checks a module; the error names everything that is wrong with it.
pub(super) fn check(wasm: &[u8]) -> Result<()> {
    let found = read(wasm)?;
    let mut complaints = Vec::new();
    if wasm.len() > BYTES_MAX {
        complaints.push(format!("{} bytes, {BYTES_MAX} allowed", wasm.len()));
    }
    for (module, name) in &found.imports {
        if !IMPORTS.contains(&(module, name)) {
            complaints.push(format!("imports {module}.{name}"));
        }
    }
    for name in &found.exports {
        if !EXPORTS.contains(&name.as_str()) {
            complaints.push(format!("exports {name}"));
        }
    }
    match found.pages_max {
        Some(pages) if pages <= PAGES_MAX => {}
        Some(pages) => complaints.push(format!("memory may grow to {pages} pages, {PAGES_MAX} allowed")),
        None => complaints.push("memory has no bound".to_owned()),
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        bail!("the filter's module is refused:\n  {}", complaints.join("\n  "))
    }
}

#[derive(Default)]
struct Found {
    imports: BTreeSet<(String, String)>,
    exports: BTreeSet<String>,
    pages_max: Option<u64>,
}

fn read(wasm: &[u8]) -> Result<Found> {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.context("the filter's module is no WASM")?;
        if let Payload::ImportSection(section) = &payload {
            for import in section.clone().into_imports() {
                let import = import?;
                found.imports.insert((import.module.to_owned(), import.name.to_owned()));
            }
        } else if let Payload::ExportSection(section) = &payload {
            for export in section.clone() {
                found.exports.insert(export?.name.to_owned());
            }
        } else if let Payload::MemorySection(section) = &payload {
            for memory in section.clone() {
                found.pages_max = memory?.maximum;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section of a module: its number, its length and its bytes, all shorter than 128.
    fn section(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn name(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    }

    /// A module with one import, a memory of at most `pages`, and that memory exported.
    fn module(import: &str, export: &str, pages: Option<u8>) -> Vec<u8> {
        let memory = pages.map_or(vec![1, 0, 1], |pages| vec![1, 1, 1, pages]);
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 0]),
            section(2, &[vec![1], name("env"), name(import), vec![0, 0]].concat()),
            section(5, &memory),
            section(7, &[vec![1], name(export), vec![2, 0]].concat()),
        ]
        .concat()
    }

    #[test]
    fn a_module_within_its_bounds_passes() {
        check(&module("proxy_log", "memory", Some(2))).unwrap();
    }

    #[test]
    fn each_thing_too_much_is_named() {
        let complaint = |wasm: Vec<u8>| check(&wasm).unwrap_err().to_string();
        assert!(
            complaint(module("proxy_http_call", "memory", Some(2))).contains("imports env.proxy_http_call")
        );
        assert!(complaint(module("proxy_log", "proxy_on_done", Some(2))).contains("exports proxy_on_done"));
        assert!(complaint(module("proxy_log", "memory", None)).contains("no bound"));
        let mut large = module("proxy_log", "memory", Some(2));
        // A custom section of 448 KiB: length in LEB128, then a name of no bytes.
        large.extend([0, 0x80, 0x80, 0x1C]);
        large.extend(vec![0; 448 * 1024]);
        assert!(complaint(large).contains("409600 allowed"));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        check(b"not wasm").unwrap_err();
    }
}

//! What the filter's module may be: small, bounded in memory, and asking its host for nothing but what it needs.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};

/// Largest module.
const BYTES_MAX: usize = 400 * 1024;
/// Largest memory, in pages of 64 KiB: 32 MiB.
const PAGES_MAX: u64 = 512;

/// What the module may import and export: host functions, which the shipped capability restrictions allow and no more, and
/// callbacks, of which the host makes every one that it finds, so one too many costs time on each request.
const ABI: &str = include_str!("../../../filter/abi.txt");

/// The names in a section of [`ABI`].
fn listed(section: &str) -> impl Iterator<Item = &'static str> {
    let lines = ABI.lines().skip_while(move |line| *line != section).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty())
}

/// Checks a module; the error names everything that is wrong with it.
pub(super) fn check(wasm: &[u8]) -> Result<()> {
    let found = read(wasm)?;
    let mut complaints = Vec::new();
    if wasm.len() > BYTES_MAX {
        complaints.push(format!("{} bytes, {BYTES_MAX} allowed", wasm.len()));
    }
    for (module, name) in &found.imports {
        let import = format!("{module}.{name}");
        if !listed("[imports]").any(|listed| listed == import) {
            complaints.push(format!("imports {import}"));
        }
    }
    for name in &found.exports {
        if !listed("[exports]").any(|listed| listed == name) {
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

//! Header maps.

use wasmi::Linker;
use wasmi::errors::LinkerError;

use super::guest::{Guest, give_or, read, text};
use super::{INTERNAL_FAILURE, OK, Proxy};

/// A header map as the ABI lays it out.
fn pairs(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let mut bytes = length(headers.len()).to_vec();
    for (name, value) in headers {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in headers {
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(value);
        bytes.push(0);
    }
    bytes
}

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32, at: u32, bytes_at: u32| {
            let name = text(&guest, name, name_bytes);
            if guest.data_mut().fails("proxy_get_header_map_value") {
                return INTERNAL_FAILURE;
            }
            let value = guest.data().headers.get(&(map, name)).cloned();
            give_or(&mut guest, value, at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |mut guest: Guest<'_>, map: u32, at: u32, bytes_at: u32| {
            if guest.data_mut().fails("proxy_get_header_map_pairs") {
                return INTERNAL_FAILURE;
            }
            let headers: Vec<(String, Vec<u8>)> = guest
                .data()
                .headers
                .iter()
                .filter(|((of, _), _)| *of == map)
                .map(|((_, name), value)| (name.clone(), value.clone()))
                .collect();
            give_or(&mut guest, Some(pairs(&headers)), at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32, value: u32, bytes: u32| {
            let (name, value) = (text(&guest, name, name_bytes), read(&guest, value, bytes));
            if guest.data_mut().fails("proxy_replace_header_map_value") {
                return INTERNAL_FAILURE;
            }
            guest.data_mut().headers.insert((map, name), value);
            OK
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32| {
            let name = text(&guest, name, name_bytes);
            guest.data_mut().headers.remove(&(map, name));
            OK
        },
    )?;
    Ok(())
}

//! Properties, buffers and foreign functions.

use wasmi::Linker;
use wasmi::errors::LinkerError;

use super::guest::{Guest, give, give_or, read, text};
use super::{
    GRPC_RECEIVE_BUFFER, INTERNAL_FAILURE, NOT_FOUND, OK, PLUGIN_CONFIGURATION, Proxy, REQUEST_BODY,
};

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |mut guest: Guest<'_>, path: u32, path_bytes: u32, at: u32, bytes_at: u32| {
            let path = text(&guest, path, path_bytes).replace('\0', ".");
            if guest.data_mut().fails("proxy_get_property") {
                return INTERNAL_FAILURE;
            }
            let value = guest.data().properties.get(&path).cloned();
            give_or(&mut guest, value, at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |mut guest: Guest<'_>, path: u32, path_bytes: u32, value: u32, bytes: u32| {
            let (path, value) = (text(&guest, path, path_bytes), read(&guest, value, bytes));
            guest.data_mut().properties.insert(path, value);
            OK
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |mut guest: Guest<'_>, buffer: u32, start: u32, max: u32, at: u32, bytes_at: u32| {
            if guest.data_mut().fails("proxy_get_buffer_bytes") {
                return INTERNAL_FAILURE;
            }
            let bytes = match buffer {
                PLUGIN_CONFIGURATION => &guest.data().configuration,
                REQUEST_BODY => &guest.data().body,
                GRPC_RECEIVE_BUFFER => &guest.data().grpc_message,
                _ => return NOT_FOUND,
            };
            let value = bytes.iter().skip(start as usize).take(max as usize).copied().collect::<Vec<_>>();
            give(&mut guest, &value, at, bytes_at)
        },
    )?;
    linker.func_wrap("env", "proxy_call_foreign_function", foreign)?;
    Ok(())
}

fn foreign(mut guest: Guest<'_>, name: u32, name_bytes: u32, _: u32, _: u32, at: u32, bytes_at: u32) -> u32 {
    let name = text(&guest, name, name_bytes);
    if guest.data_mut().fails("proxy_call_foreign_function") {
        return INTERNAL_FAILURE;
    }
    let expressions = guest.data().expressions;
    match (name.as_str(), expressions) {
        ("clear_route_cache", _) => {
            guest.data_mut().route_cache_cleared += 1;
            OK
        }
        ("expr_create", Some(_)) => give(&mut guest, &[0; 4], at, bytes_at),
        ("expr_evaluate", Some(true)) => OK,
        ("expr_evaluate", Some(false)) => INTERNAL_FAILURE,
        _ => NOT_FOUND,
    }
}

//! Answers that the filter gives itself.

use wasmi::Linker;
use wasmi::errors::LinkerError;

use super::guest::{Guest, read};
use super::{INTERNAL_FAILURE, OK, Proxy};

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap("env", "proxy_send_local_response", send_local_response)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the signature of the ABI")]
fn send_local_response(
    mut guest: Guest<'_>,
    status: u32,
    _details: u32,
    _details_bytes: u32,
    body: u32,
    body_bytes: u32,
    headers: u32,
    headers_bytes: u32,
    grpc_status: i32,
) -> u32 {
    if guest.data_mut().fails("proxy_send_local_response") {
        return INTERNAL_FAILURE;
    }
    let document = read(&guest, body, body_bytes);
    guest.data_mut().documents.push(document);
    let headers = read(&guest, headers, headers_bytes);
    guest.data_mut().responses.push((status, headers, grpc_status));
    OK
}

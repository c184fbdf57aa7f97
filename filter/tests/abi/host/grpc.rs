//! gRPC calls.

use wasmi::errors::LinkerError;
use wasmi::{Extern, Linker};

use super::guest::{Guest, read, text, write};
use super::{GrpcCall, INTERNAL_FAILURE, OK, Proxy};

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap("env", "proxy_grpc_call", grpc_call)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the signature of the ABI")]
fn grpc_call(
    mut guest: Guest<'_>,
    service: u32,
    service_bytes: u32,
    name: u32,
    name_bytes: u32,
    method: u32,
    method_bytes: u32,
    metadata: u32,
    metadata_bytes: u32,
    body: u32,
    body_bytes: u32,
    deadline_ms: u32,
    token_at: u32,
) -> u32 {
    let call = GrpcCall {
        service: read(&guest, service, service_bytes),
        method: format!("{}/{}", text(&guest, name, name_bytes), text(&guest, method, method_bytes)),
        metadata: read(&guest, metadata, metadata_bytes),
        body: read(&guest, body, body_bytes),
        deadline_ms,
        token: u32::try_from(guest.data().calls.len()).unwrap() + 1,
    };
    if guest.data_mut().fails("proxy_grpc_call") {
        // Envoy tells of an immediate failure before the call returns.
        let close = guest.get_export("proxy_on_grpc_close").and_then(Extern::into_func).unwrap();
        close.typed::<(u32, u32, u32), ()>(&guest).unwrap().call(&mut guest, (1, call.token, 14)).unwrap();
        return INTERNAL_FAILURE;
    }
    write(&mut guest, token_at, &call.token.to_le_bytes());
    guest.data_mut().calls.push(call);
    OK
}

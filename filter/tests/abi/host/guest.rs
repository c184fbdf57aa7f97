//! What the module's memory holds, as a hostcall sees it.

use wasmi::{Caller, Extern, Memory};

use super::{INTERNAL_FAILURE, NOT_FOUND, OK, Proxy};

pub(super) type Guest<'a> = Caller<'a, Proxy>;

fn memory(guest: &Guest<'_>) -> Memory {
    guest.get_export("memory").and_then(Extern::into_memory).unwrap()
}

pub(super) fn read(guest: &Guest<'_>, at: u32, bytes: u32) -> Vec<u8> {
    memory(guest).data(guest)[at as usize..][..bytes as usize].to_vec()
}

pub(super) fn text(guest: &Guest<'_>, at: u32, bytes: u32) -> String {
    String::from_utf8(read(guest, at, bytes)).unwrap()
}

pub(super) fn write(guest: &mut Guest<'_>, at: u32, bytes: &[u8]) {
    let memory = memory(guest);
    memory.write(guest, at as usize, bytes).unwrap();
}

/// Hands a value to the guest, in memory that the guest gives.
pub(super) fn give(guest: &mut Guest<'_>, value: &[u8], at: u32, bytes_at: u32) -> u32 {
    let mut address = 0;
    if !value.is_empty() {
        let allocate = guest.get_export("proxy_on_memory_allocate").and_then(Extern::into_func).unwrap();
        let allocate = allocate.typed::<u32, u32>(&*guest).unwrap();
        address = allocate.call(&mut *guest, u32::try_from(value.len()).unwrap()).unwrap();
        if address == 0 {
            return INTERNAL_FAILURE;
        }
        write(guest, address, value);
    }
    write(guest, at, &address.to_le_bytes());
    write(guest, bytes_at, &u32::try_from(value.len()).unwrap().to_le_bytes());
    OK
}

pub(super) fn give_or(guest: &mut Guest<'_>, value: Option<Vec<u8>>, at: u32, bytes_at: u32) -> u32 {
    value.map_or(NOT_FOUND, |value| give(guest, &value, at, bytes_at))
}

//! Clocks, random bytes, and what Rust asks of the system.

use wasmi::Linker;
use wasmi::errors::LinkerError;

use super::guest::{Guest, write};
use super::{INTERNAL_FAILURE, NOT_FOUND, OK, Proxy};

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    let wasi = "wasi_snapshot_preview1";
    linker.func_wrap(wasi, "clock_time_get", |mut guest: Guest<'_>, clock: u32, _: u64, at: u32| {
        if guest.data_mut().fails("clock_time_get") {
            return INTERNAL_FAILURE;
        }
        let proxy = guest.data();
        let time = if clock == 1 { proxy.monotonic_ns } else { proxy.monotonic_ns + proxy.unix_offset_ns };
        write(&mut guest, at, &time.to_le_bytes());
        OK
    })?;
    linker.func_wrap(wasi, "random_get", |mut guest: Guest<'_>, at: u32, bytes: u32| {
        if guest.data_mut().fails("random_get") {
            return INTERNAL_FAILURE;
        }
        let random: Vec<u8> = (0..bytes).map(|_| (guest.data_mut().draw() & 0xFF) as u8).collect();
        write(&mut guest, at, &random);
        OK
    })?;
    linker.func_wrap(wasi, "environ_get", |_: Guest<'_>, _: u32, _: u32| OK)?;
    linker.func_wrap(wasi, "environ_sizes_get", |mut guest: Guest<'_>, count_at: u32, bytes_at: u32| {
        write(&mut guest, count_at, &[0; 4]);
        write(&mut guest, bytes_at, &[0; 4]);
        OK
    })?;
    linker.func_wrap(wasi, "fd_write", |_: Guest<'_>, _: u32, _: u32, _: u32, _: u32| NOT_FOUND)?;
    linker.func_wrap(wasi, "proc_exit", |_: Guest<'_>, code: u32| {
        Err::<(), _>(wasmi::Error::new(format!("proc_exit({code})")))
    })?;
    Ok(())
}

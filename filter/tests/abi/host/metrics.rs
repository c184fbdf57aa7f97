//! Metrics, the log and the timer.

use wasmi::Linker;
use wasmi::errors::LinkerError;

use super::guest::{Guest, text, write};
use super::{INTERNAL_FAILURE, OK, Proxy};

pub(super) fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |mut guest: Guest<'_>, _kind: u32, name: u32, name_bytes: u32, at: u32| {
            let name = text(&guest, name, name_bytes);
            if guest.data_mut().fails("proxy_define_metric") {
                return INTERNAL_FAILURE;
            }
            let metrics = &mut guest.data_mut().metrics;
            metrics.push((name, 0));
            let metric = u32::try_from(metrics.len() - 1).unwrap();
            write(&mut guest, at, &metric.to_le_bytes());
            OK
        },
    )?;
    linker.func_wrap("env", "proxy_increment_metric", |mut guest: Guest<'_>, metric: u32, by: i64| {
        guest.data_mut().metrics[metric as usize].1 += by;
        OK
    })?;
    linker.func_wrap("env", "proxy_record_metric", |mut guest: Guest<'_>, metric: u32, value: u64| {
        guest.data_mut().metrics[metric as usize].1 = value.cast_signed();
        OK
    })?;
    linker.func_wrap("env", "proxy_log", |mut guest: Guest<'_>, _level: u32, at: u32, bytes: u32| {
        let message = text(&guest, at, bytes);
        guest.data_mut().log.push(message);
        OK
    })?;
    linker.func_wrap("env", "proxy_set_tick_period_milliseconds", |mut guest: Guest<'_>, period: u32| {
        guest.data_mut().tick_period_ms = period;
        OK
    })?;
    Ok(())
}

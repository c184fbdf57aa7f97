//! CPU time of another process.

use std::io;
use std::time::Duration;

/// CPU time (user and system, all threads, to the nanosecond) that process `id` has used so far. `/proc` tells the same in
/// steps of 10 ms, which is too coarse to interleave short slices.
///
/// # Errors
/// When the process is gone.
#[expect(unsafe_code, reason = "the two calls of POSIX for another process's clock have no safe wrapper")]
pub fn cpu_time(id: u32) -> io::Result<Duration> {
    let pid = libc::pid_t::try_from(id).map_err(io::Error::other)?;
    let mut clock = 0;
    // SAFETY: `clock` is valid for the write that the call makes.
    let refused = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if refused != 0 {
        return Err(io::Error::from_raw_os_error(refused));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the write that the call makes.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let seconds = u64::try_from(time.tv_sec).map_err(io::Error::other)?;
    let nanoseconds = u32::try_from(time.tv_nsec).map_err(io::Error::other)?;
    Ok(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_process_runs_while_it_works_and_a_dead_one_has_none() {
        let before = cpu_time(std::process::id()).unwrap();
        let end = std::time::Instant::now() + Duration::from_millis(20);
        while std::time::Instant::now() < end {}
        let used = cpu_time(std::process::id()).unwrap() - before;
        assert!(used > Duration::from_millis(1), "{used:?}");
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        cpu_time(ended.id()).unwrap_err();
    }
}

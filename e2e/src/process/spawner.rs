//! The thread that starts every child.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

struct Order {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Starts `command` from the thread that lives as long as the harness.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    command.process_group(0);
    die_with_the_harness(&mut command);
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel();
        std::thread::spawn(move || serve(&orders));
        sender
    });
    let (reply, answer) = channel();
    let gone = |_| io::Error::other("the spawning thread is gone");
    spawner.send(Order { command, reply }).map_err(|_| io::Error::other("the spawning thread is gone"))?;
    answer.recv().map_err(gone)?
}

fn serve(orders: &Receiver<Order>) {
    for mut order in orders {
        // A caller that no longer waits drops the child's handle; the kernel still ends it with the harness.
        let _ = order.reply.send(order.command.spawn());
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "pre_exec runs between fork and exec; both calls in it are async-signal-safe")]
fn die_with_the_harness(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let harness = getpid();
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if getppid() == Some(harness) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_the_harness(_command: &mut Command) {}

//! Child processes that never outlive the harness.
//!
//! Each child leads a process group of its own, which is ended when its [`Process`] is dropped. On Linux the kernel
//! also kills it when the harness itself dies, however that happens (Ctrl-C, SIGTERM, SIGKILL, abort), so no signal
//! handler is needed. The kernel ties that to the *thread* that started the child; one thread that lives as long as the
//! harness therefore starts them all.
//!
//! Output goes to one file per process. It never restarts a process and never kills one that it did not start.

mod cpu;
mod files;
mod memory;
mod spawner;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

pub use self::cpu::cpu_time;
pub use self::files::allow_many_files;
pub use self::memory::peak_memory;

/// Lines of the log shown when a process dies early.
const TAIL_LINES: usize = 20;

/// How long a dropped process may take to end by itself.
const DROP_DEADLINE: Duration = Duration::from_secs(1);

/// A running child process. Dropping it ends its whole process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs in `log`, which is replaced.
    ///
    /// # Errors
    /// When the log cannot be created or the program cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = spawner::spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// File that holds both outputs.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Fails, with the end of the log, if the process has exited.
    ///
    /// # Errors
    /// When it has.
    pub fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended early ({status}):\n{}", self.name, self.tail()),
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }

    /// Asks its group to end (SIGTERM) and waits; kills it at the deadline. Returns how it ended.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(mut self, deadline: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait(deadline).await
    }

    /// Waits until it ends by itself; kills it at the deadline.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + deadline;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.kill();
        Ok(self.child.wait()?)
    }

    /// Kills it at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Signals the whole group, if its leader has not been waited for (its id may mean another process then).
    fn signal(&mut self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Some(group), Ok(None)) = (group, self.child.try_wait()) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    /// Asks first, so that a process with children of its own can end them.
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let end = Instant::now() + DROP_DEADLINE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(name: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo started; sleep 600 & wait"]);
        Process::start(
            name,
            command,
            &std::env::temp_dir().join(format!("{name}-{}.log", std::process::id())),
        )
        .unwrap()
    }

    fn group_is_alive(id: u32) -> bool {
        rustix::process::test_kill_process_group(Pid::from_raw(id as i32).unwrap()).is_ok()
    }

    #[test]
    fn a_dropped_process_takes_its_whole_group_with_it() {
        let process = sleeper("serin-drop");
        let id = process.id();
        assert!(group_is_alive(id));
        drop(process);
        let end = Instant::now() + Duration::from_secs(5);
        while group_is_alive(id) {
            assert!(Instant::now() < end, "the group outlived its process");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_process_survives_the_thread_that_asked_for_it() {
        let mut process = std::thread::spawn(|| sleeper("serin-thread")).join().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        process.ensure_running().unwrap();
    }

    /// Runs this very test again as the harness that dies.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_dies_with_a_harness_that_had_no_time_to_clean_up() {
        const DYING: &str = "SERIN_TEST_DYING_HARNESS";
        if let Some(note) = std::env::var_os(DYING) {
            let process = sleeper("serin-orphan");
            std::fs::write(note, process.id().to_string()).unwrap();
            std::process::abort();
        }
        let note = std::env::temp_dir().join(format!("serin-orphan-{}.id", std::process::id()));
        let name = "process::tests::a_process_dies_with_a_harness_that_had_no_time_to_clean_up";
        let harness =
            Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).env(DYING, &note).output();
        assert!(!harness.unwrap().status.success());
        let id = std::fs::read_to_string(&note).unwrap();
        let end = Instant::now() + Duration::from_secs(5);
        // Nobody may be there to collect it: a process without a command line is dead too.
        while std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| !line.is_empty()) {
            assert!(Instant::now() < end, "process {id} outlived the harness");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn an_early_end_is_told_with_the_end_of_the_log() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo this is why >&2; exit 3"]);
        let log = std::env::temp_dir().join(format!("serin-early-{}.log", std::process::id()));
        let mut process = Process::start("early", command, &log).unwrap();
        let end = Instant::now() + Duration::from_secs(5);
        let error = loop {
            match process.ensure_running() {
                Err(error) => break error.to_string(),
                Ok(()) => assert!(Instant::now() < end, "the end was not seen"),
            }
        };
        assert!(error.contains("this is why"), "{error}");
    }
}

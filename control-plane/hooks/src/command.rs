//! A command: a program that the operator named, without a shell, without an environment but what it is told, in a process
//! group of its own, within its time.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serin_rollout::{HOOK_OUTPUT_BYTES, HookOutcome};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{sleep, timeout};

use crate::{Command, Told, Tried};

/// Time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// Time to read what is left of the output once the program has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) async fn perform(
    command: &Command,
    arguments: &[String],
    told: &Told,
    within: Duration,
    attempts: u32,
) -> Tried {
    let mut tried = 0;
    loop {
        tried += 1;
        let (outcome, output) = match once(command, arguments, told, within).await {
            Ok(output) => (HookOutcome::Succeeded, output),
            Err(output) => (HookOutcome::Failed, output),
        };
        if outcome == HookOutcome::Succeeded || tried >= attempts {
            return Tried { outcome, attempts: tried, output };
        }
        sleep(PAUSE).await;
    }
}

/// What it said, and whether it succeeded.
async fn once(
    command: &Command,
    arguments: &[String],
    told: &Told,
    within: Duration,
) -> Result<String, String> {
    let mut child = spawn(command, arguments, told)
        .map_err(|error| format!("{} cannot be started: {error}", command.program.display()))?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let output = tokio::spawn(async move { tokio::join!(read(out), read(err)) });
    let ended = timeout(within, child.wait()).await;
    // Also what it left behind: else nobody would end it.
    drop(group);
    let (out, err) = match timeout(LAST_WORDS, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) | Err(_) => (String::new(), String::new()),
    };
    let mut said = out;
    if !said.is_empty() && !said.ends_with('\n') && !err.is_empty() {
        said.push('\n');
    }
    said.push_str(&err);
    match ended {
        Ok(Ok(status)) if status.success() => Ok(said),
        Ok(Ok(status)) => Err(format!("{said}\n{status}")),
        Ok(Err(error)) => Err(format!("{said}\n{error}")),
        Err(_) => Err(format!("{said}\nended after its time, {}s", within.as_secs())),
    }
}

fn spawn(command: &Command, arguments: &[String], told: &Told) -> std::io::Result<tokio::process::Child> {
    let mut process = tokio::process::Command::new(&command.program);
    process.args(&command.arguments).args(arguments).current_dir(&command.folder);
    process.env_clear().process_group(0).kill_on_drop(true);
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in [
        ("SERIN_ROLLOUT", &told.rollout),
        ("SERIN_SERVICE", &told.service),
        ("SERIN_BASELINE", &told.baseline),
        ("SERIN_CANARY", &told.canary),
        ("SERIN_HOOK", &told.hook),
        ("SERIN_KEY", &told.key),
    ] {
        process.env(name, value);
    }
    process.env("SERIN_POINT", told.point);
    process.spawn()
}

/// The process group of a program, which ends when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may be gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The beginning of what comes; the rest is read and dropped, so that nobody waits for a reader.
async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4_096]);
    let Some(mut from) = from else { return String::new() };
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let room = HOOK_OUTPUT_BYTES.saturating_sub(kept.len());
        kept.extend(buffer.iter().take(count.min(room)));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Instant;

    use super::*;

    fn told() -> Told {
        Told::sample("before_start", "warm")
    }

    /// A shell stands for a program that starts others.
    async fn run(script: &str, within: Duration, attempts: u32) -> Tried {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let command = Command { program: PathBuf::from("/bin/sh"), arguments, folder: PathBuf::from("/") };
        perform(&command, &["name".to_owned(), "$(id)".to_owned()], &told(), within, attempts).await
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_ends_with_all_that_it_started() {
        let began = Instant::now();
        let tried = run("sleep 300 & echo $!; wait", Duration::from_millis(300), 1).await;
        assert_eq!(tried.outcome, HookOutcome::Failed);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let (id, words) = tried.output.trim().split_once('\n').unwrap();
        assert!(words.contains("ended after its time"), "{words}");
        // What is killed takes a moment to end, and may then wait to be noticed by its parent.
        let status = || std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let is_over = |status: &str| status.is_empty() || status.contains(") Z ");
        while !is_over(&status()) {
            assert!(began.elapsed() < Duration::from_secs(10), "{}", status());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_keeps_nobody_waiting() {
        let began = Instant::now();
        let tried = run("sleep 300 & echo done", Duration::from_secs(60), 1).await;
        assert_eq!((tried.outcome, tried.output.trim()), (HookOutcome::Succeeded, "done"));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_program_gets_its_arguments_as_they_are_and_nothing_of_our_environment() {
        let tried = run("echo \"$0 $1\"; env", Duration::from_secs(60), 1).await;
        assert!(tried.output.starts_with("name $(id)\n"), "{}", tried.output);
        let names =
            tried.output.lines().skip(1).filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        let ours = names
            .filter(|name| !name.starts_with("SERIN_") && !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
        assert_eq!(ours.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[tokio::test]
    async fn output_without_end_is_read_and_kept_to_a_bound() {
        let tried = run("head -c 3000000 /dev/zero | tr '\\0' x; exit 3", Duration::from_secs(60), 2).await;
        assert_eq!((tried.outcome, tried.attempts), (HookOutcome::Failed, 2));
        assert!(tried.output.len() < HOOK_OUTPUT_BYTES + 100 && tried.output.ends_with("exit status: 3"));
    }
}

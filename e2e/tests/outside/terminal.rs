//! The command line as people and programs have it: `serin rollout watch` in a real terminal, that of tmux, and what `--json`
//! prints by the JSON Schema that is published, checked by another implementation of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use serin_e2e::process::Process;
use serin_e2e::tools::{debian, modules};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Verdict};

use crate::plane::Plane;

const TMUX: debian::Package = debian::Package {
    name: "tmux",
    version: "3.3a",
    release: "12",
    member: "usr/bin/tmux",
    libraries: &["libevent-core-2.1-7", "libutempter0", "libtinfo6"],
};
/// A validator of JSON Schema, checked against digests.
const REQUIREMENTS: &str = include_str!("terminal.requirements.txt");
const PATIENCE: Duration = Duration::from_secs(60);
/// What the shell of the session prints when it waits for a command.
const PROMPT: &str = "serin-test-prompt>";

const EXPERIMENT: &str = "\
service: buttons
kind: experiment
baseline: v1
control: plain
arms: [{name: large, version: v1-large, weight: 30%}]
identity: {user: [{header: x-user-id}]}
hosts: [buttons.example.com]
components: [{name: checkout, matches: [{path: {prefix: /checkout}}]}]
";

/// A terminal of its own: a server of tmux with one window.
struct Tmux {
    fetched: debian::Fetched,
    socket: PathBuf,
    server: Process,
}

impl Tmux {
    /// The folder of the socket must have a short path.
    fn start(workspace: &Workspace, folder: &Path, (columns, rows): (u16, u16)) -> Self {
        let fetched = debian_or_present(workspace);
        let socket = folder.join("tmux");
        let mut command = Self::command(&fetched, &socket);
        // In the foreground, so that it ends with the test.
        command.args(["-f", "/dev/null", "-D"]);
        let server = Process::start("tmux", command, &folder.join("tmux.log")).unwrap();
        let tmux = Self { fetched, socket, server };
        let end = Instant::now() + PATIENCE;
        while !tmux.socket.exists() {
            assert!(Instant::now() < end, "{}", tmux.server.tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell = format!("exec env PS1='{PROMPT} ' sh");
        tmux.ask(&["new-session", "-d", "-x", &columns, "-y", &rows, &shell]);
        tmux.until("the prompt", |text| text.contains(PROMPT));
        tmux
    }

    fn command(fetched: &debian::Fetched, socket: &Path) -> Command {
        let mut command = Command::new(&fetched.binary);
        if !fetched.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &fetched.libraries);
        }
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("TMUX")
            .env_remove("NO_COLOR");
        command.arg("-u").arg("-S").arg(socket);
        command
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = Self::command(&self.fetched, &self.socket).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn text(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    fn types(&self, text: &str) {
        self.ask(&["send-keys", "-l", text]);
    }

    fn presses(&self, key: &str) {
        self.ask(&["send-keys", key]);
    }

    /// Waits until the terminal shows what is wanted.
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(Instant::now() < end, "{what} did not come:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// That of the machine, or of Debian.
fn debian_or_present(workspace: &Workspace) -> debian::Fetched {
    let is_there = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
    if is_there {
        return debian::Fetched { binary: "tmux".into(), libraries: Default::default() };
    }
    TMUX.fetched(workspace).unwrap()
}

/// What `stty` says of the terminal, in a line of its own.
fn settings(tmux: &Tmux, mark: &str) -> String {
    tmux.types(&format!("clear; echo {mark}-$(stty -g | cksum | tr ' ' _)-end"));
    tmux.presses("Enter");
    let begin = format!("{mark}-");
    let text = tmux
        .until("stty", |text| text.lines().any(|line| line.starts_with(&begin) && line.ends_with("-end")));
    let line = text.lines().find(|line| line.starts_with(&begin)).unwrap();
    line.strip_prefix(&begin).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_watches_pauses_and_leaves_and_the_terminal_is_as_it_was() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("terminal").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    let id = plane.create("shop", &json!({"automatic_rollback": false})).await;
    let reports = plane.report("shop", true).await;
    let tmux = Tmux::start(&workspace, &scratch, (100, 30));
    let before = settings(&tmux, "before");

    let serin = workspace.binary("serin").unwrap();
    tmux.types(&format!("clear; {} rollout watch shop --server {}", serin.display(), plane.admin_url()));
    tmux.presses("Enter");
    // The terminal may be seen while it is drawn.
    let said = ["shop", "v1 → v2", "20%", "route-0", "regressed", "route-3", "evidence", "q quit"];
    tmux.until("the verdict", |text| said.iter().all(|said| text.contains(said)));
    tmux.presses("Enter");
    tmux.until("the reasons", |text| text.contains("── route-0"));
    tmux.presses("Escape");

    tmux.types("p");
    let text = tmux.until("the dialog", |text| text.contains("Esc: do nothing"));
    assert!(text.contains("Nobody moves: 20% of the users stay on v2"), "{text}");
    tmux.types("we look at it q");
    tmux.until("the reason", |text| text.contains("reason: we look at it q"));
    tmux.presses("Enter");
    let paused = plane.until_rollout(&id, PATIENCE, |rollout| rollout.phase() == Phase::Paused).await;
    assert_eq!(paused.weight_ppm, 200_000);
    tmux.until("what was done", |text| text.contains("pause: done") && text.contains("paused"));

    tmux.types("q");
    let text = tmux.until("the prompt", |text| text.trim_end().ends_with(PROMPT));
    assert!(!text.contains("q quit") && !text.contains("━━"), "the screen is gone:\n{text}");
    assert!(text.lines().any(|line| line.starts_with(&id)), "the last state stays to be read:\n{text}");
    tmux.types("echo left with $?");
    tmux.presses("Enter");
    tmux.until("the exit code", |text| text.contains("left with 130"));
    assert_eq!(settings(&tmux, "after"), before, "the terminal is set as it was");
    assert_eq!(tmux.ask(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim(), "0 1");
    reports.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_and_a_server_that_goes_away_leave_the_terminal_as_it_was() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("signal").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    plane.create("shop", &json!({})).await;
    let tmux = Tmux::start(&workspace, &scratch, (40, 12));
    let before = settings(&tmux, "before");
    let serin = workspace.binary("serin").unwrap();
    let watch = format!("{} rollout watch shop --server {}", serin.display(), plane.admin_url());
    let pid = scratch.join("pid");
    tmux.types(&format!("clear; sh -c 'echo $$ > {}; exec {watch}'; echo ended with $?", pid.display()));
    tmux.presses("Enter");
    tmux.until("the screen", |text| text.contains("shop") && text.contains("COMPONENT"));
    drop(plane);
    tmux.until("that it is stale", |text| text.contains("no data for") && text.contains("reconnecting"));
    let kill = format!("kill -TERM $(cat {})", pid.display());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    tmux.until("the end", |text| text.contains("ended with 130"));
    assert_eq!(settings(&tmux, "after"), before, "the terminal is set as it was");
    assert_eq!(tmux.ask(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim(), "0 1");
}

/// What a command of the program prints.
fn printed(workspace: &Workspace, plane: &Plane, arguments: &[&str]) -> String {
    let mut command = Command::new(workspace.binary("serin").unwrap());
    command.args(arguments).args(["--json", "--server", &plane.admin_url()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_json_about_rollouts_is_as_the_published_schema_says() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("schema").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    let id = plane.create("shop", &json!({})).await;
    let reports = plane.report("shop", true).await;
    plane.until_rollout(&id, PATIENCE, |one| one.components.iter().any(|one| one.rolled_back)).await;
    let judged = |one: &serin_proto::admin::v1::Rollout| {
        one.components.iter().any(|one| one.verdict() == Verdict::Healthy || one.trend.is_some())
            || !one.reasons.is_empty()
    };
    plane.until_rollout(&id, PATIENCE, judged).await;
    let experiment = scratch.join("experiment.yaml");
    std::fs::write(&experiment, EXPERIMENT).unwrap();
    let create = ["rollout", "create", "-f", experiment.to_str().unwrap()];
    let mut lines = printed(&workspace, &plane, &create);
    lines.push_str(&printed(&workspace, &plane, &["rollout", "watch", "shop", "--within", "4s"]));
    lines.push_str(&printed(&workspace, &plane, &["rollout", "status", "shop"]));
    lines.push_str(&printed(&workspace, &plane, &["rollout", "pause", "shop", "--reason", "look"]));
    lines.push_str(&printed(&workspace, &plane, &["rollout", "rollback", "shop", "--reason", "enough"]));
    lines.push_str(&printed(&workspace, &plane, &["rollout", "list"]));
    reports.abort();
    let expected = lines.lines().count();
    assert!(expected >= 6, "{lines}");

    let modules = modules::folder(&workspace, "jsonschema-4.17.3", REQUIREMENTS).unwrap();
    let mut check = Command::new("python3");
    check.arg("-B").arg(workspace.root().join("e2e/tests/outside/terminal.py"));
    check.arg(workspace.root().join("docs/rollout.schema.json")).env("PYTHONPATH", modules);
    let mut check =
        check.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{lines}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected.to_string());
}

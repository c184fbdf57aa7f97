//! What a person does, by the command line alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::Screen;
use crate::control_plane::ControlPlane;
use crate::process::Process;
use crate::workspace::Workspace;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Who the journal and the audit log say it was.
const ACTOR: &str = "operator";

/// Somebody with a terminal.
pub(super) struct Operator<'a> {
    screen: &'a Screen,
    binary: PathBuf,
    server: String,
    folder: &'a Path,
}

impl<'a> Operator<'a> {
    pub(super) fn new(
        workspace: &Workspace,
        screen: &'a Screen,
        control_plane: &ControlPlane,
        folder: &'a Path,
    ) -> Result<Self> {
        let server = format!("http://{}", control_plane.admin());
        Ok(Self { screen, binary: workspace.binary("serin")?, server, folder })
    }

    /// Runs a command, which must succeed, and gives what it printed.
    pub(super) async fn runs(&self, arguments: &[&str]) -> Result<String> {
        let quoted: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
        self.screen.line(&format!("          $ serin {}", quoted.join(" ")));
        let mut command = Command::new(&self.binary);
        command.env("SERIN_SERVER", &self.server).env("SERIN_ACTOR", ACTOR).current_dir(self.folder);
        command.args(arguments);
        let mut process = Process::start("serin", command, &self.folder.join("serin.log"))?;
        let status = process.wait(DEADLINE).await?;
        let printed = std::fs::read_to_string(process.log())?;
        ensure!(status.success(), "serin {} failed: {printed}", quoted.join(" "));
        Ok(printed)
    }
}

fn quote(argument: &str) -> String {
    if argument.contains(' ') { format!("\"{argument}\"") } else { argument.to_owned() }
}

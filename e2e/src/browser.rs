//! A real Chromium under the harness, driven by Playwright.
//!
//! A program of Node (`e2e/browser`) holds the browser; each job is one request to it, and its answer tells facts. What
//! must hold is judged here and in the tests, so that the program stays small. Chromium is Debian's, at the version that its
//! archive serves (tested with 156); `playwright-core` and `axe-core` are pinned by a lock file and installed below the target
//! folder. Nothing outside loopback can be reached by a page, and that one tried is a fact.

mod chromium;
mod facts;
mod page;
pub mod stage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::facts::{Answer, Fit, Focused, Found, Notes, Violation, Walk};
pub use self::page::{Page, Window};
use crate::http::{self, HttpClient};
use crate::ports::Port;
use crate::process::Process;
use crate::tools::kept;
use crate::workspace::Workspace;

/// How long Chromium may take to start.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long a job may take unless it is told otherwise.
const JOB_DEADLINE: Duration = Duration::from_secs(15);
/// How much later than its own deadline the answer of a job may come.
const MARGIN: Duration = Duration::from_secs(5);

/// A running Chromium. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    port: Port,
    client: HttpClient,
}

impl Browser {
    /// Installs what is missing, and starts it. Its log lies in `folder`.
    ///
    /// # Errors
    /// When something that is missing cannot be installed (the error says what must be there), it ends early, or does not
    /// answer in 30 s.
    pub async fn start(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let chromium = chromium::ensure(workspace)?;
        let program = program(workspace)?;
        let port = Port::reserve()?;
        let mut command = Command::new("node");
        command.arg(program).env("PORT", port.number().to_string()).env("CHROMIUM", chromium);
        let process = Process::start("browser", command, &folder.join("browser.log"))?;
        let mut browser = Self { process, port, client: http::client() };
        browser.wait_ready().await?;
        Ok(browser)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        while tokio::net::TcpStream::connect(self.port.address()).await.is_err() {
            self.process.ensure_running()?;
            if Instant::now() > end {
                bail!("Chromium is not there after {} s\n{}", START_DEADLINE.as_secs(), self.process.tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Opens `url` in a page of its own, which shares no cookie with others.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn open(&self, name: &str, url: &str, window: Window) -> Result<(Page<'_>, Answer)> {
        let mut parameters = serde_json::to_value(window)?;
        if let Value::Object(fields) = &mut parameters {
            fields.insert("page".to_owned(), json!(name));
            fields.insert("url".to_owned(), json!(url));
        }
        let answer = self.ask("open", parameters, JOB_DEADLINE).await?;
        Ok((Page::new(self, name), answer))
    }

    /// Performs a job of the program in `e2e/browser`, and gives the facts that it tells.
    ///
    /// # Errors
    /// When it fails, or does not end by its deadline.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        job: &str,
        mut parameters: Value,
        deadline: Duration,
    ) -> Result<T> {
        if let Value::Object(fields) = &mut parameters {
            fields.insert("deadline_ms".to_owned(), json!(u64::try_from(deadline.as_millis())?));
        }
        let request = Request::post(format!("http://{}/{job}", self.port.address()))
            .body(Full::from(serde_json::to_vec(&parameters)?))?;
        let exchange = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        let (status, body) = tokio::time::timeout(deadline + MARGIN, exchange)
            .await
            .with_context(|| format!("the browser does not answer to {job}"))?
            .with_context(|| format!("the browser broke off at {job}"))?;
        ensure!(status == 200, "{job} {parameters}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).with_context(|| format!("{job}: {}", String::from_utf8_lossy(&body)))
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await?;
        Ok(())
    }
}

/// Installs the program and what it needs, unless it is there.
fn program(workspace: &Workspace) -> Result<PathBuf> {
    let source = workspace.root().join("e2e").join("browser");
    let entries = std::fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "mjs" || kind == "json"));
    files.sort();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    Ok(kept::node(&workspace.target().join("browser"), "the browser", &files)?.join("main.mjs"))
}

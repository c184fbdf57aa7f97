//! A real control plane within the test process, on free ports of the loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serin_control_plane::{Addresses, Config, Running, start};
use tokio::runtime::{Builder, Runtime};

use crate::program::{Ran, serin, serin_reading};

/// A server and its folder, both gone when it is dropped.
pub(crate) struct Server {
    runtime: Runtime,
    running: Option<Running>,
    folder: PathBuf,
    pub(crate) admin: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With more lines for the admin listener, each indented by four spaces. `FOLDER` stands for the server's folder.
    pub(crate) fn with(admin: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serin-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), "0123456789abcdef0123\n").unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(start(&config(&folder, "127.0.0.1:0", admin))).unwrap();
        let address = running.addresses.admin;
        Self { runtime, running: Some(running), folder, admin: address }
    }

    /// Ends the server.
    pub(crate) fn stop(&mut self) {
        self.runtime.block_on(self.running.take().unwrap().stop());
    }

    /// Starts it again, on the same journal and address. The old one may need a moment to let go of both.
    pub(crate) fn start_again(&mut self) {
        let config = config(&self.folder, &self.admin.to_string(), "");
        let began = Instant::now();
        let running = loop {
            match self.runtime.block_on(start(&config)) {
                Ok(running) => break running,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        self.running = Some(running);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Where the control plane keeps what it must not lose.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn token_file(&self) -> String {
        self.folder.join("token").display().to_string()
    }

    /// Where the server listens.
    pub(crate) fn addresses(&self) -> Addresses {
        self.running.as_ref().unwrap().addresses
    }

    /// What the test does beside the program.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Runs the program against this server.
    pub(crate) fn serin(&self, arguments: &[&str]) -> Ran {
        serin(&[arguments, &["--server", &self.url()]].concat())
    }

    /// The same with text on standard input.
    pub(crate) fn serin_reading(&self, arguments: &[&str], input: &str) -> Ran {
        serin_reading(&[arguments, &["--server", &self.url()]].concat(), input)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn config(folder: &Path, address: &str, admin: &str) -> Config {
    let folder = folder.display().to_string();
    let admin = admin.replace("FOLDER", &folder);
    let yaml = format!(
        "data: {folder}/data\nlisteners:\n  fleet: {{address: '127.0.0.1:0'}}\n  http: {{address: '127.0.0.1:0'}}\n  \
         otlp: {{address: '127.0.0.1:0'}}\n  \
         admin:\n    address: '{address}'\n{admin}"
    );
    Config::parse(&yaml, false).unwrap()
}

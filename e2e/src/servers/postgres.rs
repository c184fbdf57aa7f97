//! A PostgreSQL of its own in a folder of its own.
//!
//! The server refuses to run as root, so there it runs as the user `nobody`, who owns the folder. It listens on loopback only,
//! trusts whoever connects, and does not wait for the disk: what is tested is what a client's crash leaves, not a power cut.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;
use tokio_postgres::{Client, NoTls};

use crate::ports::Port;
use crate::process::Process;
use crate::tools::debian::Package;
use crate::workspace::Workspace;

/// Where this machine has none. The archive serves the newest minor version alone.
const POSTGRESQL: Package = Package {
    name: "postgresql-15",
    version: "15",
    release: "12 (bookworm)",
    member: "usr/lib/postgresql/15/bin/postgres",
    libraries: &[
        "libcom-err2",
        "libgssapi-krb5-2",
        "libicu72",
        "libk5crypto3",
        "libkeyutils1",
        "libkrb5-3",
        "libkrb5support0",
        "libldap-2.5-0",
        "libpq5",
        "libsasl2-2",
        "libssl3",
        "libxml2",
    ],
};
/// The user that owns nothing.
const NOBODY: u32 = 65_534;
/// Time to make the files, and to answer.
const DEADLINE: Duration = Duration::from_secs(60);
/// Its administrator.
pub const USER: &str = "postgres";

/// Time to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// What is in the schema `public`, a line for each column and index.
const SCHEMA: &str = "
select c.relkind::text || ' ' || c.oid::regclass || ' ' || coalesce(a.attname || ' ' ||
    format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull, '') || coalesce(i.indisvalid::text, '')
from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_index i on i.indexrelid = c.oid
where c.relnamespace = 'public'::regnamespace order by 1";

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: Port,
    folder: PathBuf,
}

impl Postgres {
    /// Makes a server and starts it: this machine's, or where it has none Debian's.
    ///
    /// # Errors
    /// When it cannot be fetched or started.
    pub async fn start(workspace: &Workspace, name: &str) -> Result<Self> {
        let programs = Programs::find(workspace)?;
        let folder = std::env::temp_dir().join(format!("serin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        if geteuid().is_root() {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY))?;
        }
        let mut server = Self { process: None, port: Port::reserve()?, folder };
        let data = server.folder.join("data");
        let mut made = programs.command("initdb");
        made.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", USER, "-D"])
            .arg(&data);
        let mut made = Process::start("initdb", made, &server.folder.join("initdb.log"))?;
        let status = made.wait(DEADLINE).await?;
        ensure!(status.success(), "initdb failed:\n{}", made.tail());
        let mut command = programs.command("postgres");
        command.arg("-D").arg(&data).arg("-p").arg(server.port.number().to_string());
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"]
        {
            command.args(["-c", setting]);
        }
        server.process = Some(Process::start("postgres", command, &server.folder.join("postgres.log"))?);
        server.wait().await?;
        Ok(server)
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// A connection to a database; it ends with the client.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub async fn client(&self, database: &str) -> Result<Client> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port()).user(USER).dbname(database);
        let end = Instant::now() + CONNECT_DEADLINE;
        loop {
            // It listens a moment before it answers.
            match config.connect(NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                Err(error) if Instant::now() > end => {
                    return Err(error).with_context(|| format!("cannot connect to the database {database}"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Tables, columns and indexes of a database, outside of Serin's own schema.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn schema(&self, database: &str) -> Result<Vec<String>> {
        let rows = self.client(database).await?.query(SCHEMA, &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn wait(&mut self) -> Result<()> {
        let end = Instant::now() + DEADLINE;
        let address = (std::net::Ipv4Addr::LOCALHOST, self.port());
        while tokio::net::TcpStream::connect(address).await.is_err() {
            self.process.as_mut().context("it was not started")?.ensure_running()?;
            if Instant::now() > end {
                bail!("PostgreSQL does not listen");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where its programs are.
struct Programs {
    folder: PathBuf,
    libraries: OsString,
}

impl Programs {
    /// On the path, or where Debian puts those of PostgreSQL, or fetched.
    fn find(workspace: &Workspace) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let debian =
            (13..=18).rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
        let mut folders = std::env::split_paths(&path).chain(debian);
        let has_both =
            |folder: &PathBuf| ["initdb", "postgres"].iter().all(|name| folder.join(name).exists());
        if let Some(folder) = folders.find(has_both) {
            return Ok(Self { folder, libraries: OsString::new() });
        }
        let fetched = POSTGRESQL.fetched(workspace)?;
        let folder = fetched.binary.parent().context("a binary without a folder")?.to_owned();
        Ok(Self { folder, libraries: fetched.libraries })
    }

    /// A program, as nobody if this is root.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

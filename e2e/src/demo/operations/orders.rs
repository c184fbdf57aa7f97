//! The database of the shop, and its customers, who order all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::super::Screen;
use crate::servers::postgres::Postgres;
use crate::workspace::Workspace;

/// Name of the database.
pub(super) const DATABASE: &str = "orders";
/// Orders that are there before anything happens.
const BEFORE: i64 = 1_000;
/// Between two orders.
const PACE: Duration = Duration::from_millis(20);
/// Between two looks at the schema.
const LOOK: Duration = Duration::from_millis(100);
/// What every order holds follows from its number, so that a lost or changed one is seen.
const ORDER: &str = "insert into orders values ($1, 'customer ' || $1::int % 70, $1::int * 3)";

/// A database in use.
#[derive(Debug)]
pub(super) struct Orders {
    server: Postgres,
    schema: Vec<String>,
    taken: Arc<Taken>,
    writing: JoinHandle<()>,
}

/// What customers were told.
#[derive(Debug)]
struct Taken {
    /// Number of the last order that was taken.
    last: AtomicI64,
    /// Orders that the database did not take.
    refused: AtomicU64,
}

/// What was found when it was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) taken: u64,
    pub(super) found: u64,
    pub(super) refused: u64,
}

impl Orders {
    pub(super) async fn open(workspace: &Workspace, screen: &Screen) -> Result<Self> {
        let server = Postgres::start(workspace, "operations").await?;
        screen.line(&format!(
            "Database     PostgreSQL on port {}, with a new order every 20 ms",
            server.port()
        ));
        server.client("postgres").await?.batch_execute(&format!("create database {DATABASE}")).await?;
        let client = server.client(DATABASE).await?;
        client
            .batch_execute(
                "create table orders (id int primary key, customer text not null, amount int not null)",
            )
            .await?;
        for id in 1..=BEFORE {
            order(&client, id).await?;
        }
        let schema = server.schema(DATABASE).await?;
        let taken = Arc::new(Taken { last: AtomicI64::new(BEFORE), refused: AtomicU64::new(0) });
        let writing = tokio::spawn(write(client, Arc::clone(&taken)));
        Ok(Self { server, schema, taken, writing })
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    /// Whether the schema is the one from before.
    pub(super) async fn is_old(&self) -> Result<bool> {
        Ok(self.server.schema(DATABASE).await? == self.schema)
    }

    /// Waits until the schema is, or is not, the one from before; false at the deadline.
    pub(super) async fn until(&self, old: bool, deadline: Duration) -> Result<bool> {
        let end = tokio::time::Instant::now() + deadline;
        while self.is_old().await? != old {
            if tokio::time::Instant::now() > end {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(true)
    }

    /// When the last step of the schema's change was there, by the database.
    pub(super) async fn changed_at(&self) -> Result<SystemTime> {
        let last = "select max(changed_at) from serin.migrations";
        Ok(self.server.client(DATABASE).await?.query_one(last, &[]).await?.try_get(0)?)
    }

    /// Ends the orders and counts them.
    pub(super) async fn count(&mut self) -> Result<Count> {
        self.writing.abort();
        let _aborted = (&mut self.writing).await;
        let whole = "select count(*) from orders where customer = 'customer ' || id % 70 and amount = id * 3 and id <= $1";
        let last = self.taken.last.load(Ordering::Relaxed);
        let row = self.server.client(DATABASE).await?.query_one(whole, &[&i32::try_from(last)?]).await?;
        Ok(Count {
            taken: u64::try_from(last)?,
            found: u64::try_from(row.get::<_, i64>(0))?,
            refused: self.taken.refused.load(Ordering::Relaxed),
        })
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

async fn order(client: &Client, id: i64) -> Result<()> {
    client.execute(ORDER, &[&i32::try_from(id)?]).await?;
    Ok(())
}

/// The old version's code as well as the new one's: it names no column that only one of the schemas has.
async fn write(client: Client, taken: Arc<Taken>) {
    for id in BEFORE + 1.. {
        match order(&client, id).await {
            Ok(()) => taken.last.store(id, Ordering::Relaxed),
            Err(_) => {
                taken.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

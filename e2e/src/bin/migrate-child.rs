//! One run of the runner of schema changes, which ends itself at a given moment: what the tests of crashes kill.
//!
//! `migrate-child '{"port":…, "database":…, "direction":…, "approved":…, "steps":[…], "kill_at":N}'` prints each point that it
//! reaches, and kills itself without any clean-up at the Nth. It is part of no release.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use serin_migrate::runner::{Job, Limits, Mode, Point, Server, run};
use serin_migrate::{Direction, Stage, Step, Written};

#[derive(Deserialize)]
struct Order {
    port: u16,
    database: String,
    direction: Direction,
    approved: bool,
    steps: Vec<Given>,
    #[serde(default)]
    kill_at: Option<usize>,
}

#[derive(Deserialize)]
struct Given {
    name: String,
    up: String,
    down: String,
    stage: Stage,
    transaction: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match work().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nowhere_to_tell = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<()> {
    let order = std::env::args().nth(1).context("an order is needed")?;
    let order: Order = serde_json::from_str(&order)?;
    let steps: Result<Vec<Step>> = order.steps.iter().map(step).collect();
    let server = Server {
        addresses: vec![(std::net::Ipv4Addr::LOCALHOST, order.port).into()],
        host: "127.0.0.1".to_owned(),
        user: "postgres".to_owned(),
        password: None,
        database: order.database,
        tls: None,
    };
    let job = Job {
        direction: order.direction,
        steps: &steps?,
        rollout: "shop-1",
        approved: order.approved,
        mode: Mode::Perform,
        limits: Limits::default(),
    };
    let reached = AtomicUsize::new(0);
    let observer = |point: Point| {
        let _nowhere_to_tell = writeln!(std::io::stdout(), "{}", point.name());
        if order.kill_at == Some(reached.fetch_add(1, Ordering::Relaxed)) {
            std::process::abort();
        }
    };
    run(&server, &job, &observer).await?;
    Ok(())
}

fn step(given: &Given) -> Result<Step> {
    let Given { name, up, down, stage, transaction } = given;
    let written = Written { name, up, down, stage: *stage, transaction: *transaction };
    Step::new(written).map_err(|refusals| anyhow!("{name}: {refusals:?}"))
}

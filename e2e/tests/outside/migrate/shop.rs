//! The database of a shop, and a runner in a process of its own.

use std::process::Command;

use serde_json::json;
use serin_e2e::servers::postgres::{Postgres, USER};
use serin_e2e::workspace::Workspace;
use serin_migrate::runner::Server;
use serin_migrate::{Direction, Stage, Step, Written};
use tokio_postgres::Client;

/// A thousand orders.
const ORDERS: &str = "
create table orders (id int primary key, customer text not null, amount int not null);
insert into orders select n, 'customer ' || n % 70, n * 3 from generate_series(1, 1000) n";

/// Three changes: two that run in transactions, around one that does not.
const STEPS: [(&str, &str, &str, bool); 4] = [
    (
        "0001_tax",
        "alter table orders add tax numeric(10,2);
         create table tax_rates (country text primary key, rate numeric(4,3) not null);
         insert into tax_rates values ('NL', 0.21), ('DE', 0.19)",
        "drop table tax_rates; alter table orders drop tax",
        true,
    ),
    (
        "0002_index",
        "create index concurrently orders_customer on orders (customer)",
        "drop index concurrently orders_customer",
        false,
    ),
    (
        "0003_amount",
        "alter table orders alter amount type bigint",
        "alter table orders alter amount type int",
        true,
    ),
    ("0004_note", "alter table orders add note text", "alter table orders drop note", true),
];

pub(crate) fn steps() -> Vec<Step> {
    let step = |(name, up, down, transaction): (&str, &str, &str, bool)| {
        Step::new(Written { name, up, down, stage: Stage::Expand, transaction }).unwrap()
    };
    STEPS.into_iter().map(step).collect()
}

pub(crate) struct Shop(Postgres);

impl Shop {
    pub(crate) async fn open(name: &str) -> Self {
        let workspace = Workspace::locate().unwrap();
        let shop = Self(Postgres::start(&workspace, name).await.unwrap());
        shop.admin().await.batch_execute("create database shop").await.unwrap();
        shop.client("shop").await.batch_execute(ORDERS).await.unwrap();
        shop
    }

    pub(crate) async fn client(&self, database: &str) -> Client {
        self.0.client(database).await.unwrap()
    }

    async fn admin(&self) -> Client {
        self.client("postgres").await
    }

    pub(crate) async fn copy(&self, from: &str, to: &str) {
        // Clients that are gone may not have been noticed yet.
        let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{from}'");
        let admin = self.admin().await;
        for _ in 0..100 {
            admin.batch_execute(&end).await.unwrap();
            if admin.batch_execute(&format!("create database {to} template {from}")).await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{from} stays in use");
    }

    pub(crate) async fn drop(&self, database: &str) {
        self.admin().await.batch_execute(&format!("drop database {database} with (force)")).await.unwrap();
    }

    /// Tables, columns and indexes outside of Serin's own schema.
    pub(crate) async fn schema(&self, database: &str) -> Vec<String> {
        self.0.schema(database).await.unwrap()
    }

    /// Number and checksum of the orders, by the columns that were there from the beginning.
    pub(crate) async fn rows(&self, database: &str) -> (i64, String) {
        let query = "select count(*), md5(string_agg(id || ' ' || customer || ' ' || amount, ';' order by id)) from orders";
        let row = self.client(database).await.query_one(query, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    /// What is recorded, by name.
    pub(crate) async fn states(&self, database: &str) -> Vec<(String, String)> {
        let client = self.client(database).await;
        let there =
            client.query_one("select to_regclass('serin.migrations') is not null", &[]).await.unwrap();
        if !there.get::<_, bool>(0) {
            return Vec::new();
        }
        let rows = client.query("select name, state from serin.migrations order by name", &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    pub(crate) fn server(&self, database: &str) -> Server {
        Server {
            addresses: vec![(std::net::Ipv4Addr::LOCALHOST, self.0.port()).into()],
            host: "127.0.0.1".to_owned(),
            user: USER.to_owned(),
            password: None,
            database: database.to_owned(),
            tls: None,
        }
    }
}

/// A runner in a process of its own.
pub(crate) struct Child {
    port: u16,
    database: String,
    direction: Direction,
    kill_at: Option<usize>,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) succeeded: bool,
    pub(crate) points: Vec<String>,
    pub(crate) errors: String,
}

impl Child {
    pub(crate) fn new(shop: &Shop, database: &str, direction: Direction) -> Self {
        Self { port: shop.0.port(), database: database.to_owned(), direction, kill_at: None }
    }

    /// It ends itself at the point of this number.
    pub(crate) fn killed_at(self, point: usize) -> Self {
        Self { kill_at: Some(point), ..self }
    }

    pub(crate) fn run(self) -> Ended {
        let steps: Vec<_> = STEPS
            .iter()
            .map(|(name, up, down, transaction)| {
                json!({"name": name, "up": up, "down": down, "stage": "expand", "transaction": transaction})
            })
            .collect();
        let order = json!({
            "port": self.port, "database": self.database, "direction": self.direction, "approved": true,
            "steps": steps, "kill_at": self.kill_at,
        });
        let output =
            Command::new(env!("CARGO_BIN_EXE_migrate-child")).arg(order.to_string()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            succeeded: output.status.success(),
            points: text(&output.stdout).lines().map(str::to_owned).collect(),
            errors: text(&output.stderr),
        }
    }
}

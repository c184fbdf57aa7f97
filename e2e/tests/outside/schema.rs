//! A rollout that changes a schema: the real server on a real PostgreSQL, killed around the commit, and rolled back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::control_plane::AdminClient;
use serin_e2e::process::Process;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::*;

use crate::migrate::shop::Shop;

const PATIENCE: Duration = Duration::from_secs(30);
const PLAN: &str = r#"
service: shop
baseline: v1
canary: v2
initial_weight: 20%
migrations:
  database: shop
  drain: 0s
  dry_run: true
  steps:
    - name: 0001_tax
      up: alter table orders add tax numeric(10,2)
      down: alter table orders drop tax
    - name: 0002_index
      up: create index concurrently orders_customer on orders (customer)
      down: drop index concurrently if exists orders_customer
      transaction: false
"#;

/// A server in a process of its own.
struct Server {
    process: Process,
    client: AdminClient,
}

impl Server {
    async fn start(folder: &Path, database: (u16, &str), failpoint: Option<&str>) -> Self {
        let (config, ready) = (folder.join("serin.yaml"), folder.join("ready.json"));
        let _may_not_exist = std::fs::remove_file(&ready);
        let any = json!({"address": "127.0.0.1:0"});
        let document = json!({
            "data": folder.join("data"),
            "listeners": {"fleet": any, "admin": any, "http": any},
            "outside": {"permit": ["127.0.0.0/8"]},
            "targets": {"databases": {"shop": {
                "host": "127.0.0.1", "port": database.0, "user": "postgres", "dbname": database.1, "tls": false,
            }}},
        });
        std::fs::write(&config, document.to_string()).unwrap();
        let mut command = Command::new(binary());
        command.arg("--config").arg(&config).arg("--ready-file").arg(&ready);
        if let Some(point) = failpoint {
            command.env("SERIN_FAILPOINT", point);
        }
        let process = Process::start("control-plane", command, &folder.join("server.log")).unwrap();
        let waiting = async {
            while !ready.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{}", process.tail()));
        let addresses: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
        let client =
            AdminServiceClient::connect(format!("http://{}", addresses["admin"].as_str().unwrap())).await;
        Self { process, client: client.unwrap() }
    }

    /// Asks until the rollout is as it should be.
    async fn until(&mut self, id: &str, wanted: impl Fn(&Rollout) -> bool) -> Rollout {
        let mut last = Rollout::default();
        let end = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < end {
            last = self
                .client
                .get(GetRequest { id: id.to_owned() })
                .await
                .unwrap()
                .into_inner()
                .rollout
                .unwrap();
            if wanted(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{last:#?}\n{}", self.process.tail())
    }
}

fn binary() -> PathBuf {
    Workspace::locate().unwrap().binary("serin-control-plane").unwrap()
}

fn newest(rollout: &Rollout, point: &str) -> (String, String) {
    let hook = rollout.hooks.iter().rfind(|hook| hook.point == point);
    hook.map(|hook| (hook.state.clone(), hook.said.clone())).unwrap_or_default()
}

#[tokio::test]
async fn a_rollout_killed_around_the_commit_ends_with_its_schema_and_returns_to_the_old_one_when_approved() {
    let shop = Shop::open("schema").await;
    let (original, whole) = (shop.schema("shop").await, shop.rows("shop").await);
    for point in ["before_commit", "after_commit"] {
        shop.copy("shop", point).await;
        let folder = Workspace::locate().unwrap().scratch(&format!("schema-{point}")).unwrap();
        let mut server = Server::start(&folder, (shop.port(), point), Some(point)).await;
        let request = CreateRequest { plan_yaml: PLAN.to_owned(), paused: false };
        let created = server.client.create(request).await.unwrap().into_inner().rollout.unwrap();
        assert_eq!(created.weight_ppm, 0);
        assert!(!server.process.wait(PATIENCE).await.unwrap().success(), "{point}");
        let left = shop.states(point).await.len();
        assert_eq!(left, usize::from(point == "after_commit"), "{point}");

        let mut server = Server::start(&folder, (shop.port(), point), None).await;
        let begun = server.until(&created.id, |one| one.weight_ppm == 200_000).await;
        assert_eq!(newest(&begun, "before_start").0, "succeeded", "{begun:#?}");
        let changed = shop.schema(point).await;
        assert_eq!(changed.len(), original.len() + 2, "{changed:?}");

        let id = created.id.clone();
        let rollback = RollbackRequest { id: id.clone(), reason: "worse".to_owned(), ..Default::default() };
        server.client.rollback(rollback).await.unwrap();
        // There is no proxy that could tell.
        let approve = |approval: Approval| ApproveRequest {
            id: id.clone(),
            approval: approval.into(),
            reason: "nobody is there".to_owned(),
        };
        server.client.approve(approve(Approval::Drained)).await.unwrap();
        let asked = server.until(&id, |one| newest(one, "after_rollback").0 == "failed").await;
        assert!(
            newest(&asked, "after_rollback").1.contains("needs an approval of the loss of data"),
            "{asked:#?}"
        );
        assert_eq!(shop.schema(point).await, changed, "{point}");
        let request = CreateRequest { plan_yaml: PLAN.to_owned(), paused: false };
        let refused = server.client.create(request).await.unwrap_err();
        assert!(refused.message().contains("its hooks are not"), "{refused}");
        server.client.approve(approve(Approval::DataLoss)).await.unwrap();
        server.until(&id, |one| newest(one, "after_rollback").0 == "succeeded").await;
        assert_eq!(
            (shop.schema(point).await, shop.rows(point).await),
            (original.clone(), whole.clone()),
            "{point}"
        );
    }
}

//! Stock OpenFeature clients in three languages switch a block of code.

use std::path::Path;
use std::time::Duration;

use serin_e2e::clients::{Checkout, Client, Language, Settings};
use serin_e2e::workspace::Workspace;

use crate::support::control_plane::{ControlPlane, PLAN};

/// How often the clients ask.
const POLL: Duration = Duration::from_secs(1);

/// What a checkout of 10.50 says: 19 % are 1.995, of which v6 drops what is less than a cent, and v7 rounds.
fn ran(version: &str, by: &str) -> Checkout {
    let tax_cents = if version == "v7" { 200 } else { 199 };
    Checkout { version: version.to_owned(), by: by.to_owned(), tax_cents }
}

/// One client in each language, all of them of the service's `version`.
async fn clients(
    workspace: &Workspace,
    folder: &Path,
    control_plane: &ControlPlane,
    version: &str,
) -> Vec<Client> {
    let mut clients = Vec::new();
    for language in Language::ALL {
        let command = language.install(workspace).unwrap();
        let settings = Settings { flags: control_plane.http(), token: None, version, poll: POLL };
        clients.push(Client::start(language, command, &settings, folder).await.unwrap());
    }
    clients
}

#[tokio::test]
async fn a_client_that_is_told_nothing_runs_what_is_known_to_work_and_baggage_wins() {
    let workspace = Workspace::locate().unwrap();
    let folder = workspace.scratch("openfeature").unwrap();
    let control_plane = ControlPlane::start(&workspace, &folder, 1_000).await;
    control_plane.create(PLAN).await;
    for client in clients(&workspace, &folder, &control_plane, "v2").await {
        tokio::time::sleep(POLL).await;
        for (baggage, expected) in [
            (None, ran("v6", "flag")),
            (Some("serin.block.tax=v7"), ran("v7", "baggage")),
            (Some("a=b;c=d , serin.block.tax = v%37 ; more"), ran("v7", "baggage")),
            (Some("serin.block.tax=v5, serin.block.tax2=v7, =,;,%zz"), ran("v6", "flag")),
            (Some("serin.block.tax=%zz"), ran("v6", "flag")),
        ] {
            assert_eq!(client.checkout(baggage).await.unwrap(), expected, "{:?}", client.language());
        }
        client.stop().await.unwrap();
    }
}

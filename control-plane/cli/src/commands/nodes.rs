//! `serin nodes`.

use std::time::SystemTime;

use serde::Serialize;

use crate::client::Client;
use crate::failure::Failure;
use crate::model::Node;
use crate::output::{Output, Sheet, age, count};

/// The JSON form.
#[derive(Serialize)]
struct Answer {
    nodes: Vec<Node>,
}

pub(super) async fn run(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = Answer { nodes: client.nodes().await? };
    output.show(&answer, || sheet(&answer.nodes, SystemTime::now()))
}

fn sheet(nodes: &[Node], now: SystemTime) -> Sheet {
    if nodes.is_empty() {
        return Sheet::of(
            "No Envoy reports or subscribes yet. Point Envoy's bootstrap at the fleet listener (default port 7440).",
        );
    }
    let mut sheet = Sheet::default();
    let header = [
        "NODE",
        "CLUSTER",
        "STATE",
        "VMS",
        "GENERATION",
        "ACKNOWLEDGED",
        "LAST REPORT",
        "RESTARTS",
        "LOST",
        "FILTER",
    ];
    sheet.table(header, nodes.iter().map(|node| row(node, now)));
    for node in nodes.iter().filter(|node| node.rejected != 0) {
        let words = node.last_rejection.as_deref().unwrap_or("no reason given");
        sheet.blank();
        sheet.line(&format!(
            "{} refused {} assignments, the last one because: {words}",
            node.node,
            count(node.rejected)
        ));
    }
    sheet
}

fn row(node: &Node, now: SystemTime) -> [String; 10] {
    let generation = if node.generation_min == node.generation_max {
        node.generation_max.to_string()
    } else {
        format!("{}-{}", node.generation_min, node.generation_max)
    };
    [
        node.node.clone(),
        node.cluster.clone(),
        if node.connected { "connected" } else { "disconnected" }.to_owned(),
        node.vms.to_string(),
        generation,
        node.generation_acknowledged.map_or_else(|| "none".to_owned(), |generation| generation.to_string()),
        node.last_report_at.as_ref().map_or_else(|| "never".to_owned(), |at| age(at.age(now))),
        count(node.vm_restarts),
        count(node.requests_lost),
        node.filter_version.clone(),
    ]
}

//! Keeps what was known when a decision was made.
//!
//! The rollouts' task draws up a bundle of each decision that undoes something or promotes, and writes it in the transaction
//! of the decision itself, so evidence is there before anything acts on it. Evidence that cannot be written never keeps a rollback
//! from happening: that is counted, and told. What is learned later (who applied the decision and when, what both arms did after
//! it) is added to the chain within two minutes; a restart in between loses that, and nothing that was there before.
//!
//! * `samples` keeps a few failing log records of each component, masked.
//! * `keep` removes what is older or larger than the configuration allows.
//! * `service` gives it to people and pipelines.

pub(crate) mod keep;
pub(crate) mod samples;
pub(crate) mod service;

use serin_evidence::documents::Node;

use crate::fleet::nodes::Nodes;

pub use keep::Retention;
pub(crate) use samples::Samples;

/// Envoys that a bundle lists.
const NODES_LISTED: usize = 500;

/// The first Envoys, and how many more there are.
pub(crate) fn listed(nodes: &Nodes) -> (Vec<Node>, u64) {
    let all = nodes.iter().count();
    let listed = nodes.iter().take(NODES_LISTED).map(|(id, node)| {
        let mut vms_by_generation = std::collections::BTreeMap::<u64, u64>::new();
        node.vms().for_each(|vm| *vms_by_generation.entry(vm.generation).or_default() += 1);
        Node {
            id: id.to_owned(),
            cluster: node.cluster.clone(),
            filter_version: node.filter_version.clone(),
            envoy_version: node.envoy_version.clone(),
            generation_acknowledged: node.generation_acknowledged,
            acknowledged_at: node.acknowledged_at,
            reported_at: node.reported_at,
            vms_by_generation,
        }
    });
    (listed.collect(), all.saturating_sub(NODES_LISTED) as u64)
}

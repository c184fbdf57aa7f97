//! Actions in Kubernetes: a Deployment is put back or scaled, the weights of a route are set.
//!
//! Each is a read, a decision (pure) and a write that names the version that was read, so that what somebody else wrote in between
//! is never overwritten: the server refuses the write, and all is read again. What is already so is not written. Objects are
//! handled as the JSON that the server gave, so that fields that this program does not know stay as they are. Nothing is ever
//! deleted.
//!
//! Requests are those of the crate `kube`. They are sent by `serin-outside` like all that leaves this server, not by the crate's own
//! client: so to permitted addresses only, within deadlines, and with answers of bounded size.

mod access;
mod call;
mod cluster;
mod fault;
mod object;
mod route;
mod scale;
mod undo;

use std::time::Duration;

use serde_json::Value;
use serin_outside::CallError;
use serin_rollout::plan::{Kubernetes, KubernetesAct};
use tokio::time::{sleep, timeout};

use crate::attempts::{Failure, attempts};
use crate::{Told, Tried};

pub use access::{Access, AccessError, ServiceAccount};
pub use cluster::{Cluster, Token};

use call::Calls;
use fault::{Fault, Rule};
use object::Object;

/// How often all is read again in one attempt because somebody else wrote in between.
const CONFLICTS_MAX: u32 = 5;
/// After the first of them; it grows by itself with each.
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// What is to be written, if anything.
#[derive(Debug, PartialEq)]
enum Edit {
    /// Nothing: it is so already.
    Already(String),
    /// This, which does what the words say.
    Write(Value, String),
}

pub(super) async fn perform(
    cluster: &Cluster,
    order: &Kubernetes,
    told: &Told,
    within: Duration,
    tries: u32,
) -> Tried {
    attempts(&told.key, tries, || once(cluster, order, told, within)).await
}

async fn once(
    cluster: &Cluster,
    order: &Kubernetes,
    told: &Told,
    within: Duration,
) -> Result<String, Failure> {
    let object = Object::of(order);
    let named = |words: String| format!("{}: {object}: {words}", order.target);
    let late = Err(Fault::Call(CallError::Deadline { after: within }));
    match timeout(within, act(cluster, order, &object, &told.rollout)).await.unwrap_or(late) {
        Ok(words) => Ok(named(words)),
        Err(fault) => Err(Failure { words: named(fault.to_string()), passing: fault.passing() }),
    }
}

async fn act(cluster: &Cluster, order: &Kubernetes, object: &Object, rollout: &str) -> Result<String, Fault> {
    if !cluster.allows(&order.namespace) {
        return Err(Rule::Namespace(cluster.namespaces().join(", ")).into());
    }
    let calls = Calls { cluster, object };
    let mut conflicts = 0;
    loop {
        match change(&calls, order, rollout).await {
            Err(Fault::Conflict(_)) if conflicts < CONFLICTS_MAX => {
                conflicts += 1;
                sleep(CONFLICT_PAUSE * conflicts).await;
            }
            ended => return ended,
        }
    }
}

/// One read, decision and write.
async fn change(calls: &Calls<'_>, order: &Kubernetes, rollout: &str) -> Result<String, Fault> {
    let found = calls.read().await?;
    let sets = match &order.act {
        KubernetesAct::Undo { .. } => calls.replica_sets(&undo::selector(&found)?).await?,
        KubernetesAct::Scale { .. } | KubernetesAct::Patch(_) => Vec::new(),
    };
    let edit = |object: &Value| match &order.act {
        KubernetesAct::Undo { revision, .. } => undo::edit(object, &sets, *revision, rollout),
        KubernetesAct::Scale { replicas, .. } => scale::edit(object, *replicas),
        KubernetesAct::Patch(patch) => route::edit(object, patch),
    };
    match edit(&found)? {
        Edit::Already(words) => Ok(format!("already so: {words}")),
        Edit::Write(wanted, words) => {
            let stored = calls.write(&wanted).await?;
            match edit(&stored)? {
                Edit::Already(_) => Ok(words),
                Edit::Write(..) => Err(Rule::NotTaken.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests;

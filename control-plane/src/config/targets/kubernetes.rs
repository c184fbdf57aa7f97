//! Clusters of Kubernetes in which hooks may act.

use std::path::PathBuf;
use std::time::Duration;

use serin_hooks::{Access, AccessError, Cluster, ServiceAccount, Token};
use serin_outside::Roots;
use serin_rollout::plan::{duration, is_label};

use super::super::{ConfigError, Outside, raw, read_of};

/// Namespaces of a cluster.
const NAMESPACES_MAX: usize = 64;
/// How long one request may be allowed to take.
const DEADLINE: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(1);
/// Where a pod finds its service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub(super) fn cluster(
    field: &str,
    raw: raw::KubernetesTarget,
    outside: &Outside,
    insecure: bool,
) -> Result<Cluster, ConfigError> {
    let at = |name: &str| format!("{field}.{name}");
    if !(1..=NAMESPACES_MAX).contains(&raw.namespaces.len()) {
        let rule = format!("must name 1 to {NAMESPACES_MAX} namespaces");
        return Err(ConfigError::value(at("namespaces"), rule));
    }
    if let Some(index) = raw.namespaces.iter().position(|namespace| !is_label(namespace)) {
        let rule = "must be a label of RFC 1123: lower-case letters, digits and '-' between them, at most 63";
        return Err(ConfigError::value(at(&format!("namespaces[{index}]")), rule));
    }
    let deadline = match &raw.deadline {
        None => outside.timeout,
        Some(text) => duration(text).filter(|deadline| DEADLINE.contains(deadline)).ok_or_else(|| {
            ConfigError::value(at("deadline"), "must be a duration between 100ms and 1m, such as 10s")
        })?,
    };
    let (way, access) = access(field, &raw)?;
    let url = &access.url;
    if !url.is_https() && !url.is_local() && !insecure {
        let rule = "the server must be https:// beyond this machine, or say --insecure";
        return Err(ConfigError::value(at(way), rule));
    }
    if let Some(Err(blocked)) = url.ip().map(|ip| outside.policy.check(ip)) {
        return Err(ConfigError::value(at(way), blocked.to_string()));
    }
    Cluster::new(access, outside.policy.clone(), &outside.roots, raw.namespaces, deadline)
        .map_err(|error| ConfigError::value(at(way), error.to_string()))
}

/// How it is reached, and the field that says so.
fn access(field: &str, raw: &raw::KubernetesTarget) -> Result<(&'static str, Access), ConfigError> {
    let at = |name: &str| format!("{field}.{name}");
    let refused = |name: &str, error: AccessError| ConfigError::value(at(name), error.to_string());
    match (&raw.kubeconfig, raw.in_cluster, &raw.server) {
        (Some(file), false, None) => {
            let access = Access::file(&file.file, file.context.as_deref());
            Ok(("kubeconfig", access.map_err(|error| refused("kubeconfig", error))?))
        }
        (None, true, None) => {
            let account = ServiceAccount {
                folder: PathBuf::from(ACCOUNT),
                host: std::env::var("KUBERNETES_SERVICE_HOST").ok(),
                port: std::env::var("KUBERNETES_SERVICE_PORT").ok(),
            };
            Ok(("in_cluster", Access::pod(&account).map_err(|error| refused("in_cluster", error))?))
        }
        (None, false, Some(server)) => Ok(("server", named(field, server)?)),
        _ => Err(ConfigError::value(field, "must have exactly one of kubeconfig, in_cluster and server")),
    }
}

fn named(field: &str, server: &raw::KubernetesServer) -> Result<Access, ConfigError> {
    let at = |name: &str| format!("{field}.server.{name}");
    let url = server.url.parse();
    let url =
        url.map_err(|error: serin_outside::UrlError| ConfigError::value(at("url"), error.to_string()))?;
    let roots = server.ca.as_ref().map(|path| {
        Roots::only(read_of(at("ca"), path)?.as_bytes())
            .map_err(|error| ConfigError::value(at("ca"), error.to_string()))
    });
    if let Some(path) = &server.token_file {
        read_of(at("token_file"), path)?;
    }
    let token = server.token_file.clone().map(Token::File);
    Ok(Access { url, roots: roots.transpose()?, token, identity: None })
}

#[cfg(test)]
mod tests;

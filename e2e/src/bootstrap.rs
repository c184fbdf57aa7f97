//! Envoy bootstraps made from the one that ships.
//!
//! [`Bootstrap::shipped`] reads `envoy/bootstrap.yaml`, and what a run needs otherwise (ports, routes, another filter) is
//! changed in the parsed document, so what is tested is what ships. Envoy reads the result as JSON.

mod parts;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub use self::parts::{
    Route, arm_routes, lua_filter, retry_on, router_filter, routes_of_arms, static_route, wasm_filter,
    weighted_routes,
};
use crate::workspace::Workspace;

/// Name of the baseline's cluster.
pub const BASELINE_CLUSTER: &str = "baseline";
/// Name of the canary's cluster.
pub const CANARY_CLUSTER: &str = "canary";
/// Name of the control plane's cluster.
pub const CONTROL_PLANE_CLUSTER: &str = "serin_control_plane";
/// Name of the filter and of its ECDS resource.
pub const FILTER: &str = "serin";

/// An Envoy bootstrap under construction.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    document: Value,
}

impl Bootstrap {
    /// The bootstrap that ships: the filter through ECDS, one route for each arm.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn shipped(workspace: &Workspace) -> Result<Self> {
        Self::read(&workspace.root().join("envoy").join("bootstrap.yaml"))
    }

    /// Any bootstrap file with one listener.
    ///
    /// # Errors
    /// When it cannot be read or is no YAML.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let document =
            serde_saphyr::from_str(&text).with_context(|| format!("{} is no YAML", path.display()))?;
        Ok(Self { document })
    }

    /// Names the node.
    #[must_use]
    pub fn node(mut self, id: &str) -> Self {
        self.set("/node/id", json!(id));
        self
    }

    /// Moves the listener to another loopback port.
    ///
    /// # Errors
    /// When the document has no listener with a socket address.
    pub fn listen_on(mut self, port: u16) -> Result<Self> {
        *self.part("/static_resources/listeners/0/address/socket_address/port_value")? = json!(port);
        Ok(self)
    }

    /// Moves the admin interface to another loopback port.
    #[must_use]
    pub fn admin_on(mut self, port: u16) -> Self {
        self.set("/admin", json!({"address": socket(([127, 0, 0, 1], port).into())}));
        self
    }

    /// Points a cluster at another address.
    ///
    /// # Errors
    /// When the document has no such cluster.
    pub fn cluster_at(mut self, name: &str, address: SocketAddr) -> Result<Self> {
        let cluster = self
            .part("/static_resources/clusters")?
            .as_array_mut()
            .and_then(|clusters| {
                clusters.iter_mut().find(|cluster| cluster.get("name") == Some(&json!(name)))
            })
            .with_context(|| format!("the bootstrap has no cluster {name}"))?;
        let endpoint = cluster
            .pointer_mut("/load_assignment/endpoints/0/lb_endpoints/0/endpoint")
            .with_context(|| format!("the cluster {name} has no endpoint"))?;
        *endpoint = json!({"address": socket(address)});
        Ok(self)
    }

    /// Adds a cluster like the canary's, at `address`.
    ///
    /// # Errors
    /// When the document has no cluster of the canary.
    pub fn another_cluster(mut self, name: &str, address: SocketAddr) -> Result<Self> {
        let clusters =
            self.part("/static_resources/clusters")?.as_array_mut().context("no list of clusters")?;
        let like = clusters.iter().find(|cluster| cluster.get("name") == Some(&json!(CANARY_CLUSTER)));
        let mut cluster = like.cloned().context("the bootstrap has no cluster of the canary")?;
        for field in ["/name", "/load_assignment/cluster_name"] {
            if let Some(place) = cluster.pointer_mut(field) {
                *place = json!(name);
            }
        }
        clusters.push(cluster);
        self.cluster_at(name, address)
    }

    /// Removes a cluster, for bootstraps that do not use it.
    ///
    /// # Errors
    /// When the document has no clusters.
    pub fn without_cluster(mut self, name: &str) -> Result<Self> {
        if let Some(clusters) = self.part("/static_resources/clusters")?.as_array_mut() {
            clusters.retain(|cluster| cluster.get("name") != Some(&json!(name)));
        }
        Ok(self)
    }

    /// Replaces all HTTP filters before the router.
    ///
    /// # Errors
    /// When the listener has no HTTP connection manager.
    pub fn filters(mut self, mut filters: Vec<Value>) -> Result<Self> {
        filters.push(router_filter());
        *self.http("/http_filters")? = Value::Array(filters);
        Ok(self)
    }

    /// Puts `filter` before all other HTTP filters.
    ///
    /// # Errors
    /// When the listener has no HTTP connection manager.
    pub fn first_filter(mut self, filter: Value) -> Result<Self> {
        if let Some(filters) = self.http("/http_filters")?.as_array_mut() {
            filters.insert(0, filter);
        }
        Ok(self)
    }

    /// Replaces the routes of the one virtual host.
    ///
    /// # Errors
    /// When the listener has no HTTP connection manager with routes.
    pub fn routes(mut self, routes: Vec<Value>) -> Result<Self> {
        *self.http("/route_config/virtual_hosts/0/routes")? = Value::Array(routes);
        Ok(self)
    }

    /// Sets the retry policy of the virtual host; see [`retry_on`].
    ///
    /// # Errors
    /// When the listener has no HTTP connection manager with routes.
    pub fn retry_policy(mut self, policy: Value) -> Result<Self> {
        if let Some(host) = self.http("/route_config/virtual_hosts/0")?.as_object_mut() {
            host.insert("retry_policy".to_owned(), policy);
        }
        Ok(self)
    }

    /// Any part of the HTTP connection manager, by JSON pointer, to be changed.
    ///
    /// # Errors
    /// When it is not there.
    pub fn http(&mut self, pointer: &str) -> Result<&mut Value> {
        self.part(&format!("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config{pointer}"))
    }

    /// Any part of the document, by JSON pointer, to be changed.
    ///
    /// # Errors
    /// When it is not there.
    pub fn part(&mut self, pointer: &str) -> Result<&mut Value> {
        self.document.pointer_mut(pointer).with_context(|| format!("the bootstrap has no {pointer}"))
    }

    /// Writes it where Envoy can read it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(&self.document)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn set(&mut self, pointer: &str, value: Value) {
        if let Some(place) = self.document.pointer_mut(pointer) {
            *place = value;
        }
    }
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

//! Three services behind one Envoy, each with a baseline and a canary.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use serin_proto::assignment::{ARM_HEADER, CANARY};

use super::super::shop::Shop;
use crate::bootstrap::{BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER};
use crate::load::{Key, Summary, Target};

/// The services, in the order of the train, with the routes that clients call.
const ROUTES: [(&str, &[&str]); 3] = [
    ("stock", &["/products/{id}", "/search"]),
    ("shop", &["/home", "/cart", "/account"]),
    ("payments", &["/checkout", "/orders/{id}"]),
];
/// Their names, in that order.
pub(super) const NAMES: &[&str] = &["stock", "shop", "payments"];
/// The version on trial of each.
pub(super) const CANARY_VERSION: &str = "v2";

/// All of them.
#[derive(Debug)]
pub(super) struct Services(Vec<(&'static str, Shop)>);

impl Services {
    pub(super) async fn open() -> Result<Self> {
        let mut services = Vec::new();
        for (name, _) in ROUTES {
            services.push((name, Shop::open("v1", CANARY_VERSION).await?));
        }
        Ok(Self(services))
    }

    pub(super) fn of(&self, name: &str) -> Result<&Shop> {
        let found = self.0.iter().find(|(service, _)| *service == name);
        Ok(&found.with_context(|| format!("there is no service {name}"))?.1)
    }

    /// Envoy sends each host to its service, and there to the arm that the filter chose.
    pub(super) fn before(&self, mut bootstrap: Bootstrap) -> Result<Bootstrap> {
        let mut hosts = Vec::new();
        for (name, shop) in &self.0 {
            let [baseline, canary] = ["baseline", "canary"].map(|arm| format!("{name}-{arm}"));
            bootstrap = bootstrap.another_cluster(&baseline, shop.baseline().address())?;
            bootstrap = bootstrap.another_cluster(&canary, shop.canary().address())?;
            let arm = json!([{"name": ARM_HEADER, "string_match": {"exact": CANARY}}]);
            hosts.push(json!({
                "name": name,
                "domains": [host(name)],
                "routes": [
                    {"match": {"prefix": "/", "headers": arm}, "route": {"cluster": canary, "timeout": "15s"}},
                    {"match": {"prefix": "/"}, "route": {"cluster": baseline, "timeout": "15s"}},
                ],
            }));
        }
        *bootstrap.http("/route_config/virtual_hosts")? = Value::Array(hosts);
        bootstrap.without_cluster(BASELINE_CLUSTER)?.without_cluster(CANARY_CLUSTER)
    }
}

/// What clients ask for: all routes alike.
pub(super) fn targets() -> Vec<Target> {
    let of_service = |(name, routes): (&str, &[&str])| -> Vec<Target> {
        let target = |route: &&str| {
            let target = Target { route: format!("{name}{route}"), ..Target::get(route) };
            target.header("host", &host(name))
        };
        routes.iter().map(target).collect()
    };
    ROUTES.into_iter().flat_map(of_service).collect()
}

/// Whether an answer is the canary's of a service.
pub(super) fn is_canary(key: &Key, service: &str) -> bool {
    let of_service = key.route.strip_prefix(service).is_some_and(|route| route.starts_with('/'));
    of_service && key.version.as_deref() == Some(CANARY_VERSION)
}

/// Answers of all canaries.
pub(super) fn canary_answers(summary: &Summary) -> u64 {
    summary.total(|key| NAMES.iter().any(|service| is_canary(key, service)))
}

fn host(service: &str) -> String {
    format!("{service}.example")
}

//! The JSON form of the assignment, before its rules are checked. Unknown fields are refused.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every filter is told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Version of this form: 1.
    pub version: u32,
    /// Number of the assignment; a higher one replaces a lower one.
    pub generation: u64,
    /// How the filter reports. Absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// The services whose requests the filter sees.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// How the filter reports.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Envoy cluster of the control plane's fleet listener.
    pub cluster: String,
    /// Milliseconds between reports of one VM, 100 to 60,000.
    #[serde(default = "defaults::interval_ms")]
    pub interval_ms: u32,
    /// One request in so many is sampled for its upstream host. 0: none; 1: all.
    #[serde(default = "defaults::host_sample")]
    pub host_sample: u32,
    /// True: of a request that is sampled for its host, the route's metadata is read too, at most once a minute for each
    /// route, and the tags in it are reported. Absent: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub route_metadata: bool,
    /// Bearer token that the fleet listener asks for. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// One service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name, unique.
    pub name: String,
    /// Host names (`:authority`, port ignored) of its requests, `*.example.com` for all below a domain. Empty: every
    /// host that no other service claims; only one service may do so.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Identifier of the active rollout. Absent: none; everything goes to the baseline and is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    /// Key of the ring: 32 hexadecimal digits, drawn once per rollout.
    pub salt: String,
    /// Parts of the ring, in its order. The rest of the ring is the baseline.
    #[serde(default)]
    pub split: Vec<Share>,
    /// Where users and sessions are read from.
    #[serde(default)]
    pub identity: Identity,
    /// Routing rules. Header and cookie rules come first, then users and attributes, then geo, each in the order given.
    #[serde(default)]
    pub rules: Vec<RoutingRule>,
    /// Components. A request that none matches belongs to the component `unmatched`.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Identifier of the train that the rollout is part of, while some users are on its canary and some are not. They stay there
    /// from one service to the next: requests to the canary carry the baggage member `serin.train`, and those that come with
    /// a valid one go to the canary unless their component is pinned. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<String>,
    /// The key that authenticates that member: 32 hexadecimal digits. Given together with `train`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_key: Option<String>,
    /// True: requests to `/.well-known/serin/beacon`, and to `/v1/logs` below it, are answered by the filter, which counts
    /// by component and arm what they say of page views. Absent: false; they pass as any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behaviour: bool,
}

/// An arm and a part of the ring.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Name of the arm. `baseline`: a part that a stopped arm left, so that no other arm's users move.
    pub arm: String,
    /// Parts per million, 0 to 1,000,000.
    pub weight_ppm: u32,
}

/// Where users and sessions are read from. The first source that is present and not empty counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Sources of the user id.
    #[serde(default)]
    pub user: Vec<KeySource>,
    /// Sources of the session id, used when there is no user id.
    #[serde(default)]
    pub session: Vec<KeySource>,
    /// What to do with neither.
    #[serde(default)]
    pub anonymous: Anonymous,
}

/// A place in the request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A request header.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// A request without user and session id.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Anonymous {
    /// Draws its arm at random, request by request.
    #[default]
    Random,
    /// Goes to the baseline.
    Baseline,
    /// Is given a session cookie, and keeps its arm by it.
    IssueCookie(IssuedCookie),
}

/// The cookie given to anonymous requests. It MUST also be a session source of the same service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IssuedCookie {
    /// Name of the cookie.
    pub name: String,
    /// Lifetime in seconds, 1 to 34,560,000 (400 days).
    pub max_age_s: u32,
}

/// Sends some requests to an arm, before the weights are asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoutingRule {
    /// Which requests.
    pub when: Condition,
    /// Where to: `baseline` or an arm of the split.
    pub arm: String,
    /// Part of the matching users, sessions or requests that the rule takes, in parts per million; the others are judged by the
    /// next rule. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_ppm: Option<u32>,
}

/// Which requests a rule takes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// A header has this value.
    Header(HeaderMatch),
    /// A cookie has this value.
    Cookie(HeaderMatch),
    /// The user id is one of these.
    Users(Vec<String>),
    /// A header that describes the user (plan, segment, tenant) has this value. Like `header`, but after it in order.
    Attribute(HeaderMatch),
    /// The request comes from one of these places.
    Geo(Geo),
}

/// A named value. Exactly one of `exact`, `prefix` and `present` is given.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderMatch {
    /// Name of the header (case does not matter) or cookie (case matters).
    pub name: String,
    /// The whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// How the value begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// True: any value that is not empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
}

/// A header that Envoy's geoip filter or a CDN sets, and the values that match, whatever their case.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// Name of the header, for example `x-geo-country`.
    pub header: String,
    /// Countries or regions, for example `NL`.
    pub values: Vec<String>,
}

/// What a rollback of a component undoes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// The whole version.
    Coarse,
    /// This component alone.
    #[default]
    Medium,
    /// One block of code inside it.
    Fine,
}

/// A route of the service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Name, unique within the service.
    pub name: String,
    /// Which requests belong to it: those that any of these matches.
    pub matches: Vec<Match>,
    /// What a rollback of it undoes.
    #[serde(default)]
    pub granularity: Granularity,
    /// Arm that all its requests get, before every rule and weight: set by a rollback of the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// Blocks of its code. Empty: none; failed responses are not asked which block failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

/// A block of a component's code, switched by a flag.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Name, unique within the component.
    pub name: String,
    /// Version that requests to other arms than the baseline carry, as the baggage member `serin.block.<name>`: set by a
    /// rollback of the block. Absent: none; a client's copy is removed all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
    /// True: requests to the baseline carry it too, because the promoted version was handed over to its endpoint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

/// All given conditions hold. At least one is given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Hosts, as in a service. Empty: any host of the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Methods, in upper case. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The path without its query. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Headers. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderMatch>,
    /// Name of Envoy's route. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_name: Option<String>,
}

/// A path pattern.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// The whole path.
    Exact(String),
    /// Whole segments at the beginning: `/orders` matches `/orders` and `/orders/7`, not `/orders2`.
    Prefix(String),
    /// Segments, of which `{name}` stands for any one that is not empty: `/orders/{id}`.
    Template(String),
}

mod defaults {
    pub(super) fn interval_ms() -> u32 {
        1_000
    }
    pub(super) fn host_sample() -> u32 {
        16
    }
}

//! The assignment after every rule was checked.

use super::BASELINE;

pub use super::raw::Granularity;

/// Number of an assignment; a higher one replaces a lower one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u64);

/// A part of the whole in parts per million, 0 to 1,000,000.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Weight(u32);

impl Weight {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const FULL: Self = Self(1_000_000);

    /// `None` above 1,000,000.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm <= Self::FULL.0 { Some(Self(ppm)) } else { None }
    }

    /// Parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

/// Position of an arm in [`Service::arms`]; 0 is the baseline.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ArmIndex(pub(super) u8);

impl ArmIndex {
    /// The baseline.
    pub const BASELINE: Self = Self(0);

    /// As an index into [`Service::arms`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Key of a rollout's ring: 128 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Salt(pub u128);

/// What every filter is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// Number of this assignment.
    pub generation: Generation,
    /// How the filter reports. `None`: it does not.
    pub report: Option<ReportSettings>,
    /// Services with distinct names and hosts.
    pub services: Vec<Service>,
}

/// How the filter reports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportSettings {
    /// Envoy cluster of the control plane's fleet listener.
    pub cluster: String,
    /// Milliseconds between reports of one VM.
    pub interval_ms: u32,
    /// One request in so many is sampled for its upstream host. 0: none.
    pub host_sample: u32,
    /// Whether the metadata of the routes of sampled requests is read and reported.
    pub route_metadata: bool,
    /// Bearer token that the fleet listener asks for.
    pub token: Option<String>,
}

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Name.
    pub name: String,
    /// Hosts of its requests. Empty: those that no other service claims.
    pub hosts: Vec<HostPattern>,
    /// Active rollout.
    pub rollout: Option<String>,
    /// Key of the ring.
    pub salt: Salt,
    /// Names of the arms, the baseline first.
    pub arms: Vec<String>,
    /// Parts of the ring, in its order; together at most the whole, and the baseline has the rest. Each arm other than the
    /// baseline has one; the baseline may have several, which stopped arms left.
    pub split: Vec<Share>,
    /// Where users and sessions are read from.
    pub identity: Identity,
    /// Routing rules in the order in which they are tried.
    pub rules: Vec<RoutingRule>,
    /// Components with distinct names.
    pub components: Vec<Component>,
    /// The train that the rollout is part of.
    pub train: Option<Train>,
    /// Whether the filter takes beacons of page views.
    pub behaviour: bool,
}

/// A train whose users stay on the canary from one service to the next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Train {
    /// Its identifier.
    pub id: String,
    /// The key of its baggage member.
    pub key: Salt,
}

impl Service {
    /// Name of an arm.
    #[must_use]
    pub fn arm_name(&self, arm: ArmIndex) -> &str {
        self.arms.get(arm.index()).map_or(BASELINE, String::as_str)
    }
}

/// An arm and its part of the ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// The arm.
    pub arm: ArmIndex,
    /// Its part.
    pub weight: Weight,
}

/// A host, in lower case and without port.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HostPattern {
    /// This host.
    Exact(String),
    /// Every host that ends in this text, which begins with a dot.
    Suffix(String),
}

/// Where users and sessions are read from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    /// Sources of the user id.
    pub user: Vec<KeySource>,
    /// Sources of the session id.
    pub session: Vec<KeySource>,
    /// What to do with neither.
    pub anonymous: Anonymous,
}

/// A place in the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// A header, in lower case.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// A request without user and session id.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Anonymous {
    /// Draws its arm at random.
    #[default]
    Random,
    /// Goes to the baseline.
    Baseline,
    /// Is given a session cookie.
    IssueCookie(IssuedCookie),
}

/// The cookie given to anonymous requests; also a session source of the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedCookie {
    /// Name.
    pub name: String,
    /// Lifetime in seconds.
    pub max_age_s: u32,
}

/// Sends some requests to an arm.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutingRule {
    /// Which requests.
    pub when: Condition,
    /// Where to.
    pub arm: ArmIndex,
    /// Part of the matching requests that the rule takes.
    pub share: Weight,
}

/// Which requests a rule takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A header, in lower case, has this value.
    Header(String, HeaderValue),
    /// A cookie has this value.
    Cookie(String, HeaderValue),
    /// The user id is one of these, sorted.
    Users(Vec<String>),
    /// A header that describes the user has this value.
    Attribute(String, HeaderValue),
    /// A header, in lower case, names one of these places, in upper case and sorted.
    Geo(String, Vec<String>),
}

/// A value to compare with.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HeaderValue {
    /// The whole value.
    Exact(String),
    /// How it begins.
    Prefix(String),
    /// Any that is not empty.
    Present,
}

/// A route of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Any of these matches; at least one.
    pub matches: Vec<Match>,
    /// What a rollback of it undoes.
    pub granularity: Granularity,
    /// Arm of all its requests.
    pub pinned: Option<ArmIndex>,
    /// Blocks of its code, with distinct names.
    pub blocks: Vec<Block>,
}

/// A block of a component's code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// Name.
    pub name: String,
    /// Version that requests to other arms than the baseline carry.
    pub restored: Option<String>,
    /// Requests to the baseline carry it too.
    pub everywhere: bool,
}

/// All given conditions hold; at least one is given.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Match {
    /// Hosts, sorted. Empty: any.
    pub hosts: Vec<HostPattern>,
    /// Methods, sorted. Empty: any.
    pub methods: Vec<String>,
    /// Path without its query.
    pub path: Option<PathPattern>,
    /// Headers, in lower case and sorted.
    pub headers: Vec<(String, HeaderValue)>,
    /// Name of Envoy's route.
    pub route_name: Option<String>,
}

/// A path pattern.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PathPattern {
    /// The whole path.
    Exact(String),
    /// Whole segments at the beginning; without a trailing slash, so the root is empty.
    Prefix(String),
    /// Segments one by one.
    Template(Vec<Segment>),
}

/// One segment of a path template.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Segment {
    /// This text.
    Literal(String),
    /// Any text that is not empty; the name is for people.
    Any(String),
}

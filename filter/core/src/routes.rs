//! The tags that a service owner writes into Envoy's route metadata, discovered route by route.
//!
//! A request costs nothing but when it is sampled for its host, in the log phase, where its final route is known (the
//! arm that was asked for may have selected another one) and where the proxy is asked for the host anyway. Then the
//! route's name is read, about 0.9 µs, with one request in 16 sampled 0.06 µs a request. The metadata itself, about
//! 1.2 µs, is read when no request of that route and component had it read within the last minute. Reading anew is how a change of the metadata shows, and telling anew is how a control plane that was restarted learns it.
//!
//! Bounds: [`MAX_ROUTES`] routes of a component each, of which those that were not read for an hour make room, and
//! [`MAX_TOLD`] in one batch. A route beyond is not read; the sampled requests of it are counted.
//!
//! It decides nothing by the tags, and never makes one up: what cannot be taken is told in words.

mod protobuf;
pub mod tags;

use serin_proto::fleet::v1 as wire;

use self::tags::Metadata;

/// Routes, each counted once for every component that its requests belong to, that one VM tells.
pub const MAX_ROUTES: usize = 512;
/// Routes that one batch can tell.
pub const MAX_TOLD: usize = 64;
/// Bytes of a route's name.
const NAME_BYTES: usize = 256;
/// A route is read anew after this.
const READ_AFTER_NS: u64 = 60 * 1_000_000_000;
/// A route that was not read for this long may make room for another.
const FORGOTTEN_AFTER_NS: u64 = 3_600 * 1_000_000_000;

/// The routes of one VM.
#[derive(Debug, Default)]
pub struct Routes {
    /// By [`Sighting::key`]. A sorted list, because the code of a map costs the module more than it saves.
    seen: Vec<Sighting>,
    /// Of these, how many are to be told.
    untold: usize,
}

/// A route within one component.
#[derive(Debug)]
struct Sighting {
    route: Box<str>,
    service: Box<str>,
    component: Box<str>,
    read_ns: u64,
    /// What it carried when it was last read. `None`: nothing.
    metadata: Option<Metadata>,
    untold: bool,
}

/// What to do about a sampled request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// Nothing.
    No,
    /// Read the metadata of its route.
    Read,
    /// Nothing can be done; count it.
    Untold,
}

impl Routes {
    /// What to do about a request of this route and these names.
    pub fn due(&mut self, route: &[u8], service: &str, component: &str, now_ns: u64) -> Due {
        let Some(route) = name(route) else { return Due::Untold };
        let seen = self.find((route, component, service)).ok().and_then(|at| self.seen.get(at));
        match seen.map(|seen| now_ns.saturating_sub(seen.read_ns)) {
            Some(age_ns) if age_ns < READ_AFTER_NS => Due::No,
            Some(_) => Due::Read,
            None if self.has_room(now_ns) => Due::Read,
            None => Due::Untold,
        }
    }

    /// Notes what a route carries, after [`Due::Read`].
    pub fn read(
        &mut self,
        route: &[u8],
        service: &str,
        component: &str,
        metadata: Option<&[u8]>,
        now_ns: u64,
    ) {
        let Some(route) = name(route) else { return };
        let metadata = metadata.and_then(Metadata::parse);
        let at = self.find((route, component, service)).unwrap_or_else(|at| {
            self.seen.insert(at, Sighting::new(route, service, component));
            at
        });
        let Some(seen) = self.seen.get_mut(at) else { return };
        let news = !seen.untold && (metadata.is_some() || seen.metadata.is_some());
        seen.untold |= news;
        seen.metadata = metadata;
        seen.read_ns = now_ns;
        self.untold += usize::from(news);
    }

    /// Whether there is anything to tell.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.untold == 0
    }

    /// Takes what the next batch tells.
    pub fn drain(&mut self) -> Vec<wire::RouteTags> {
        let mut told = Vec::new();
        if self.untold == 0 {
            return told;
        }
        for seen in self.seen.iter_mut().filter(|seen| seen.untold).take(MAX_TOLD) {
            seen.untold = false;
            self.untold = self.untold.saturating_sub(1);
            told.push(seen.wire());
        }
        told
    }

    fn find(&self, key: (&str, &str, &str)) -> Result<usize, usize> {
        self.seen.binary_search_by(|seen| seen.key().cmp(&key))
    }

    fn has_room(&mut self, now_ns: u64) -> bool {
        if self.seen.len() >= MAX_ROUTES {
            self.seen.retain(|seen| now_ns.saturating_sub(seen.read_ns) < FORGOTTEN_AFTER_NS);
            self.untold = self.seen.iter().filter(|seen| seen.untold).count();
        }
        self.seen.len() < MAX_ROUTES
    }
}

impl Sighting {
    fn new(route: &str, service: &str, component: &str) -> Self {
        let (route, service, component) = (route.into(), service.into(), component.into());
        Self { route, service, component, read_ns: 0, metadata: None, untold: false }
    }

    fn key(&self) -> (&str, &str, &str) {
        (&self.route, &self.component, &self.service)
    }

    fn wire(&self) -> wire::RouteTags {
        let Metadata { tags, malformed } = self.metadata.clone().unwrap_or_default();
        wire::RouteTags {
            route: self.route.to_string(),
            service: self.service.to_string(),
            component: self.component.to_string(),
            tags: self.metadata.is_some().then_some(tags),
            malformed,
        }
    }
}

fn name(route: &[u8]) -> Option<&str> {
    std::str::from_utf8(route).ok().filter(|name| name.len() <= NAME_BYTES)
}

#[cfg(test)]
mod tests;

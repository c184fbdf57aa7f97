//! From a request to its arm.
//!
//! Order: a component that a rollback pinned; the train that the user is on; the routing rules as the assignment orders them (header and cookie,
//! then users and attributes, then geo); the weights on the ring. Nothing is read from the request before a step
//! needs it: a service without rules and weights costs no header.
//!
//! The decision is a function of the assignment, the request and, for requests without identity, of a draw, so
//! that every proxy and every restart gives a user the same answer.

pub mod ring;

use serin_proto::assignment::{Anonymous, ArmIndex, BAGGAGE_HEADER, IssuedCookie};

use self::ring::{Bucket, KeyKind, Position, RingTag};
use crate::request::RequestView;
use crate::router::{Located, Router, compiled};
use crate::train::Train;

/// Where a request goes, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision<'r> {
    /// Service and component.
    pub at: Located,
    /// The arm.
    pub arm: ArmIndex,
    /// Which step decided.
    pub why: Why,
    /// Cookie to set, with the session id drawn for it.
    pub issue: Option<(&'r IssuedCookie, u64)>,
    /// The user came on the canary of another service of the train.
    pub on_train: bool,
}

/// Which step decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// The component is pinned.
    Pinned,
    /// The user is on the canary of another service of the train.
    Train,
    /// A routing rule took the request.
    Rule {
        /// Its position in the assignment.
        rule: usize,
        /// Place on the rule's own ring; `None`: the rule takes all that match.
        place: Option<Place>,
    },
    /// No arm but the baseline has weight.
    NoWeight,
    /// The weights, at this place of the ring.
    Ring(Place),
    /// The request has no identity, and such requests go to the baseline.
    Anonymous,
}

/// A place on a ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// What was put on the ring.
    pub key: KeyOrigin,
    /// Where it fell.
    pub position: Position,
    /// Bucket of the user or session id. `None`: the position was drawn.
    pub bucket: Option<Bucket>,
}

impl Why {
    /// Bucket of who sent the request, where the decision found it out.
    #[must_use]
    pub const fn bucket(&self) -> Option<Bucket> {
        match self {
            Self::Ring(place) | Self::Rule { place: Some(place), .. } => place.bucket,
            Self::Pinned
            | Self::Train
            | Self::Rule { place: None, .. }
            | Self::NoWeight
            | Self::Anonymous => None,
        }
    }
}

/// What was put on a ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyOrigin {
    /// The user id, from the source at this position of the assignment.
    User(usize),
    /// The session id, from the source at this position of the assignment.
    Session(usize),
    /// A session id that was drawn for a new cookie.
    Issued,
    /// Nothing: the position was drawn.
    Drawn,
}

/// Decides a request; `None` if no service claims its host.
pub fn decide<'r>(
    router: &'r Router,
    request: &impl RequestView,
    draw: &mut impl FnMut() -> u64,
) -> Option<Decision<'r>> {
    decide_at(router, request, draw, 0)
}

/// The same in a minute since 1970, by which a user's place in a train is valid or not.
pub(crate) fn decide_at<'r>(
    router: &'r Router,
    request: &impl RequestView,
    draw: &mut (impl FnMut() -> u64 + ?Sized),
    minute: u64,
) -> Option<Decision<'r>> {
    let at = router.locate(request)?;
    let service = router.service(at)?;
    let pinned = router.component(at).and_then(|component| component.pinned);
    let mut identity = Identity { service, request, draw, key: None, issued: None };
    let train = service.train.as_ref();
    let valid = |train: &&Train| train.admits(request.header(BAGGAGE_HEADER).unwrap_or_default(), minute);
    let train = train.filter(valid).map(Train::arm);
    let (arm, why) = match (pinned, train) {
        (Some(arm), _) => (arm, Why::Pinned),
        (None, Some(arm)) => (arm, Why::Train),
        (None, None) => identity.by_rules().unwrap_or_else(|| identity.by_weight()),
    };
    let issue = match (&service.anonymous, identity.issued) {
        (Anonymous::IssueCookie(cookie), Some(id)) => Some((cookie, id)),
        (Anonymous::IssueCookie(_) | Anonymous::Random | Anonymous::Baseline, _) => None,
    };
    Some(Decision { at, arm, why, issue, on_train: train.is_some() })
}

/// Who sends a request, found when it is first asked.
struct Identity<'r, 'v, V, D: ?Sized> {
    service: &'r compiled::Service,
    request: &'v V,
    draw: &'r mut D,
    key: Option<Key<'v>>,
    issued: Option<u64>,
}

#[derive(Clone, Copy)]
enum Key<'v> {
    User(usize, &'v [u8]),
    Session(usize, &'v [u8]),
    Issued([u8; 16]),
    None,
}

impl<'v, V: RequestView, D: FnMut() -> u64 + ?Sized> Identity<'_, 'v, V, D> {
    fn by_rules(&mut self) -> Option<(ArmIndex, Why)> {
        let service = self.service;
        service.rules.iter().enumerate().find_map(|(number, rule)| {
            if !self.matches(&rule.when) {
                return None;
            }
            if rule.share_ppm == ring::WHOLE_PPM {
                return Some((rule.arm, Why::Rule { rule: number, place: None }));
            }
            let place = self.place(rule.tag);
            let taken = place.position.ppm() < rule.share_ppm;
            taken.then_some((rule.arm, Why::Rule { rule: number, place: Some(place) }))
        })
    }

    fn matches(&mut self, condition: &compiled::Condition) -> bool {
        match condition {
            compiled::Condition::Header(name, value) => value.matches(self.request.header(name)),
            compiled::Condition::Cookie(name, value) => value.matches(self.request.cookie(name)),
            compiled::Condition::Users(users) => self
                .user()
                .is_some_and(|(_, user)| users.binary_search_by(|known| known.as_bytes().cmp(user)).is_ok()),
            compiled::Condition::Geo(name, places) => self.request.header(name).is_some_and(|place| {
                let upper = || place.iter().map(u8::to_ascii_uppercase);
                places.binary_search_by(|known| known.bytes().cmp(upper())).is_ok()
            }),
        }
    }

    fn by_weight(&mut self) -> (ArmIndex, Why) {
        if self.service.ring.last().is_none_or(|(end, _)| *end == 0) {
            return (ArmIndex::BASELINE, Why::NoWeight);
        }
        if matches!((self.key(), &self.service.anonymous), (Key::None, Anonymous::Baseline)) {
            return (ArmIndex::BASELINE, Why::Anonymous);
        }
        let place = self.place(RingTag::WEIGHTS);
        let arm = self.service.ring.iter().find(|(end, _)| place.position.ppm() < *end);
        (arm.map_or(ArmIndex::BASELINE, |(_, arm)| *arm), Why::Ring(place))
    }

    /// Where the request falls on a ring.
    fn place(&mut self, tag: RingTag) -> Place {
        let salt = self.service.salt;
        let place = |key, hash, bucket| Place { key, position: Position::from_hash(hash), bucket };
        let keyed = |key, kind, id: &[u8]| {
            let hash = ring::hash(salt, tag, kind, id);
            place(key, hash, Some(Bucket::from_hash(hash)))
        };
        match self.key() {
            Key::User(source, id) => keyed(KeyOrigin::User(source), KeyKind::User, id),
            Key::Session(source, id) => keyed(KeyOrigin::Session(source), KeyKind::Session, id),
            Key::Issued(id) => keyed(KeyOrigin::Issued, KeyKind::Session, &id),
            Key::None => place(KeyOrigin::Drawn, (self.draw)(), None),
        }
    }

    fn key(&mut self) -> Key<'v> {
        if let Some(key) = self.key {
            return key;
        }
        let key = self.find_key();
        self.key = Some(key);
        key
    }

    fn find_key(&mut self) -> Key<'v> {
        if let Some((source, id)) = self.user() {
            return Key::User(source, id);
        }
        if let Some((source, id)) = self.first(&self.service.sessions) {
            return Key::Session(source, id);
        }
        match self.service.anonymous {
            Anonymous::Random | Anonymous::Baseline => Key::None,
            Anonymous::IssueCookie(_) => {
                let id = (self.draw)();
                self.issued = Some(id);
                Key::Issued(ring::session_text(id))
            }
        }
    }

    fn user(&self) -> Option<(usize, &'v [u8])> {
        self.first(&self.service.users)
    }

    /// The first source that is present and not empty.
    fn first(&self, sources: &[compiled::Source]) -> Option<(usize, &'v [u8])> {
        sources.iter().enumerate().find_map(|(number, source)| {
            let value = match source {
                compiled::Source::Header(name) => self.request.header(name),
                compiled::Source::Cookie(name) => self.request.cookie(name),
            };
            value.filter(|value| !value.is_empty()).map(|value| (number, value))
        })
    }
}

#[cfg(test)]
mod tests;

//! Requests that are beacons: answered here, counted as page views and never as requests.

use std::collections::BTreeSet;

use serin_proto::assignment::BEACON_PATH;

use super::Filter;
use super::open::Open;
use crate::abi;
use crate::arms;
use crate::beacon::{Beacon, Device, MAX_BYTES, Page, is_unwanted};
use crate::recorder::Gaps;
use crate::request::{Kind, RequestView};
use crate::router::Located;

/// Beacons whose bodies can be awaited at once. Those beyond are answered, dropped and counted.
pub const MAX_AWAITED: usize = 1_024;

/// Statuses of answers.
const TAKEN: u16 = 204;
const MALFORMED: u16 = 400;
const NOT_ALLOWED: u16 = 405;
const TOO_LONG: u16 = 413;

/// What becomes of a request that may be a beacon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Handling {
    /// It is none: it goes on.
    Pass,
    /// It is answered with this status, at once.
    Answer(u16),
    /// It waits for more of its body.
    Await,
}

/// Beacons whose bodies are awaited, by context id.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeSet<u32>);

impl Awaited {
    pub(super) fn forget(&mut self, context: u32) {
        if !self.0.is_empty() {
            self.0.remove(&context);
        }
    }
}

impl Filter {
    /// A request has come: whether it is a beacon. `ended`: it has no body. One that does not pass is not to be routed or
    /// [started](Filter::started).
    pub fn beacon(&mut self, context: u32, view: &impl RequestView, ended: bool, now_ns: u64) -> Handling {
        if !self.router.takes_beacons() || !self.records() {
            return Handling::Pass;
        }
        if view.path() != BEACON_PATH.as_bytes()
            || !self.router.takes_beacon(&Page { request: view, path: None })
        {
            return Handling::Pass;
        }
        // Its end is no surprise, and counts nothing.
        let uncounted =
            Open { counted: None, start_ns: now_ns, sampled: false, kind: Kind::Plain, user: None };
        self.open.insert(context, uncounted);
        if view.method() != Some(b"POST") {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(NOT_ALLOWED);
        }
        let length = view.header("content-length").and_then(abi::decimal).unwrap_or_default();
        if length as usize > MAX_BYTES {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(TOO_LONG);
        }
        if is_unwanted(view) {
            self.lose(|gaps| &mut gaps.bot_beacons);
            return Handling::Answer(TAKEN);
        }
        if ended {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(MALFORMED);
        }
        if self.awaited.0.len() >= MAX_AWAITED {
            self.lose(|gaps| &mut gaps.dropped_beacons);
            return Handling::Answer(TAKEN);
        }
        self.awaited.0.insert(context);
        Handling::Await
    }

    /// Whether the body of a request is awaited.
    #[must_use]
    pub fn awaits_body(&self, context: u32) -> bool {
        self.awaited.0.contains(&context)
    }

    /// So many bytes of a body that is [awaited](Filter::awaits_body) have come; `ended`: that is all of it. `body` reads it.
    pub fn beacon_body<'b>(
        &mut self,
        context: u32,
        view: &impl RequestView,
        (bytes, ended): (usize, bool),
        body: impl FnOnce() -> &'b [u8],
        now_ns: u64,
    ) -> Handling {
        if bytes > MAX_BYTES {
            self.awaited.forget(context);
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(TOO_LONG);
        }
        if !ended {
            return Handling::Await;
        }
        self.awaited.forget(context);
        let Ok(beacon) = Beacon::parse(body()) else {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(MALFORMED);
        };
        self.viewed(&beacon, view, now_ns);
        Handling::Answer(TAKEN)
    }

    /// Counts a page view for the arm that a request for the page would be given.
    fn viewed(&mut self, beacon: &Beacon<'_>, view: &impl RequestView, now_ns: u64) {
        let Self { router, draws, .. } = self;
        let mut drawn = false;
        let draw: &mut dyn FnMut() -> u64 = &mut || {
            drawn = true;
            draws.next()
        };
        let page = Page { request: view, path: Some(beacon.path) };
        let decided = arms::decide_at(router, &page, draw, self.minute);
        let decided = decided.map(|decision| (decision.at, decision.arm));
        let began_ns = beacon.age_ms.map(|ms| now_ns.saturating_sub(u64::from(ms) * 1_000_000));
        let since_ns = |at: Located| router.service(at).map_or(0, |service| service.chosen_since_ns);
        let is_of_now = |at: Located| began_ns.is_none_or(|began_ns| began_ns >= since_ns(at));
        // What was drawn for the page was another draw, and what was chosen before a change may have been another arm.
        let Some((at, arm)) = decided.filter(|(at, _)| !drawn && is_of_now(*at)) else {
            self.lose(|gaps| &mut gaps.unattributed_beacons);
            return;
        };
        let series = self.series_of(at, arm);
        let second = self.recorder.open_second(self.unix_second(now_ns));
        if self.behaviour.count((second, series, Device::of(view)), beacon) {
            self.totals.beacons += 1;
        } else {
            self.lose(|gaps| &mut gaps.dropped_beacons);
        }
    }

    /// Counts a beacon that counts nothing.
    fn lose(&mut self, why: impl FnOnce(&mut Gaps) -> &mut u64) {
        *why(self.recorder.gaps()) += 1;
        self.totals.lost_beacons += 1;
    }
}

//! Requests that are beacons: answered here, counted as page views and never as requests.

mod form;

use std::collections::BTreeMap;

use self::form::{Form, MALFORMED, Rejected};
use super::Filter;
use super::open::Open;
use crate::arms;
use crate::beacon::otlp::{MAX_VIEWS, Payload, RecordError};
use crate::beacon::{Beacon, Country, Device, Page, is_unwanted};
use crate::behaviour::Cohort;
use crate::recorder::Gaps;
use crate::request::{Kind, RequestView};
use crate::router::Located;

/// Beacons whose bodies can be awaited at once. Those beyond are answered, dropped and counted.
pub const MAX_AWAITED: usize = 1_024;

/// What becomes of a request that may be a beacon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Handling {
    /// It is none: it goes on.
    Pass,
    /// It is answered with this status, at once.
    Answer(u16),
    /// It is answered with this status and this JSON, at once.
    Document(u16, String),
    /// It waits for more of its body.
    Await,
}

/// Beacons whose bodies are awaited, by context id.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeMap<u32, Form>);

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
        let Some(form) = Form::of(view.path()) else { return Handling::Pass };
        if !self.router.takes_beacon(&Page { request: view, path: None }) {
            return Handling::Pass;
        }
        // Its end is no surprise, and counts nothing.
        let uncounted =
            Open { counted: None, start_ns: now_ns, sampled: false, kind: Kind::Plain, user: None };
        self.open.insert(context, uncounted);
        if let Some(refusal) = form.refusal(view) {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return refusal;
        }
        if is_unwanted(view) {
            self.lose(|gaps| &mut gaps.bot_beacons);
            return form.taken();
        }
        if ended {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return form.refused(MALFORMED, &"body: is missing");
        }
        if self.awaited.0.len() >= MAX_AWAITED {
            self.lose(|gaps| &mut gaps.dropped_beacons);
            return form.taken();
        }
        self.awaited.0.insert(context, form);
        Handling::Await
    }

    /// Bytes that the body of a request may have. `None`: it is not awaited.
    #[must_use]
    pub fn awaits_body(&self, context: u32) -> Option<usize> {
        self.awaited.0.get(&context).map(|form| form.max_bytes())
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
        let Some(form) = self.awaited.0.get(&context).copied() else { return Handling::Pass };
        if bytes > form.max_bytes() {
            self.awaited.forget(context);
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return form.too_long();
        }
        if !ended {
            return Handling::Await;
        }
        self.awaited.forget(context);
        match form {
            Form::Lines => self.lines(body(), view, now_ns),
            Form::Records => self.log_records(body(), view, now_ns),
        }
    }

    /// Reads a beacon of the text form.
    #[cold]
    fn lines(&mut self, body: &[u8], view: &impl RequestView, now_ns: u64) -> Handling {
        let Ok(beacon) = Beacon::parse(body) else {
            self.lose(|gaps| &mut gaps.malformed_beacons);
            return Handling::Answer(MALFORMED);
        };
        self.viewed(&beacon, view, now_ns);
        Form::Lines.taken()
    }

    /// Reads page views of log records. Those of another name are nobody's loss: they tell of no page view.
    #[cold]
    fn log_records(&mut self, body: &[u8], view: &impl RequestView, now_ns: u64) -> Handling {
        let payload = Payload::parse(body);
        let records = match payload.as_ref().map_err(|error| *error).and_then(Payload::records) {
            Ok(records) => records,
            Err(error) => {
                self.lose(|gaps| &mut gaps.malformed_beacons);
                return Form::Records.refused(MALFORMED, &format_args!("body: {error}"));
            }
        };
        let (mut rejected, mut views) = (Rejected::default(), 0);
        for (place, record) in records {
            if !record.is_page_view() {
                rejected.add(place, RecordError::Name);
                continue;
            }
            views += 1;
            if views > MAX_VIEWS {
                self.lose(|gaps| &mut gaps.dropped_beacons);
                rejected.add(place, RecordError::TooMany);
                continue;
            }
            match record.beacon() {
                Ok(beacon) => self.viewed(&beacon, view, now_ns),
                Err(error) => {
                    self.lose(|gaps| &mut gaps.malformed_beacons);
                    rejected.add(place, error);
                }
            }
        }
        rejected.answer()
    }

    /// Counts a page view for the arm that a request for the page would be given.
    #[cold]
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
        let header = self.router.service(at).and_then(|service| service.country.as_deref());
        let cohort = Cohort { device: Device::of(view), country: Country::of(view, header) };
        let series = self.series_of(at, arm);
        let second = self.recorder.open_second(self.unix_second(now_ns));
        let service = self.router.service_name(at.service);
        if self.behaviour.count((second, series, cohort), service, beacon) {
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

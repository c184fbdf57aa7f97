//! The life of one WASM VM: assignments come and go, requests start and end, reports leave.
//!
//! One value per VM, which survives every new configuration: Envoy makes a new root context at each push, and the
//! counts must not be lost with the old one. Calls may come in any order; an end without a start is counted as
//! unseen, a second end too.

mod answers;
mod beacons;
mod carried;
mod draws;
mod open;

use std::rc::Rc;
use std::sync::Arc;

use prost::Message;
use serin_proto::assignment::{self, ArmIndex, AssignmentError, BASELINE, Generation, ReportSettings};
use serin_proto::fleet::v1 as wire;

use self::beacons::Awaited;
use self::carried::carried;
use self::draws::Draws;
use self::open::{Open, OpenRequests};
use crate::arms::ring::Bucket;
use crate::arms::{self, ring};
use crate::baggage::Baggage;
use crate::beacon::Page;
use crate::behaviour::Behaviour;
use crate::outcome::{self, Flags};
use crate::recorder::{Recorder, SeriesId};
use crate::report::{Reporter, Step};
use crate::request::{Kind, RequestView};
use crate::router::{Located, Router};
use crate::routes::{Due, Routes};

pub use self::beacons::{Handling, MAX_AWAITED};

/// Who the VM is, as it tells the control plane.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Envoy's node id.
    pub node: String,
    /// Envoy's node cluster.
    pub cluster: String,
    /// Random number of this life of the VM, not zero.
    pub epoch: u64,
    /// Version of the filter.
    pub version: &'static str,
}

/// How a request ended, as the proxy knows it. Every method may be slow.
pub trait ResponseView {
    /// Whether the response is known to have a status below 400 and no response flag: the common case, which a
    /// proxy may be able to tell faster than by the values. False: not known.
    fn is_plain(&self) -> bool;
    /// HTTP status; `None`: there was no response.
    fn status(&self) -> Option<u16>;
    /// gRPC status, from the trailers or else the headers.
    fn grpc_status(&self) -> Option<u32>;
    /// Response flags.
    fn flags(&self) -> Flags;
    /// Address of the upstream host.
    fn upstream_address(&self) -> Option<&[u8]>;
    /// The response header that names the blocks that failed.
    fn block_errors(&self) -> Option<&[u8]>;
    /// Name of the route that served the request; empty if it has none.
    fn route_name(&self) -> Option<&[u8]>;
    /// That route's metadata, as an encoded `envoy.config.core.v3.Metadata`.
    fn route_metadata(&self) -> Option<&[u8]>;
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub struct Route {
    /// Name of the arm to ask for; `None`: the baseline, which needs no header.
    pub arm: Option<Arc<str>>,
    /// A `set-cookie` value for the response.
    pub set_cookie: Option<String>,
    /// What becomes of the request's baggage.
    pub baggage: Baggage,
    at: Located,
    index: ArmIndex,
    kind: Kind,
    user: Option<Bucket>,
}

/// A report to send.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Where to and how.
    pub settings: Rc<ReportSettings>,
    /// An encoded `ReportRequest`.
    pub body: Rc<[u8]>,
}

/// Totals since the VM started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Reports acknowledged.
    pub reports_sent: u64,
    /// Calls that failed, and batches refused.
    pub reports_failed: u64,
    /// Requests recorded under the component `overflow`.
    pub overflow_requests: u64,
    /// Requests that ended without having been seen.
    pub unseen_requests: u64,
    /// Members of requests' baggage that were dropped because they did not fit beside the versions of restored blocks.
    pub dropped_baggage: u64,
    /// Page views counted.
    pub beacons: u64,
    /// Beacons that counted nothing.
    pub lost_beacons: u64,
}

const MINUTE_NS: u64 = 60_000_000_000;

/// Stands for every status below 400: their outcome is the same.
const PLAIN_STATUS: u16 = 200;

/// One VM.
#[derive(Debug)]
pub struct Filter {
    identity: Identity,
    router: Router,
    report: Option<Rc<ReportSettings>>,
    /// Series by number of the component and arm of the present assignment, filled when first used.
    series: Vec<Option<SeriesId>>,
    recorder: Recorder,
    behaviour: Behaviour,
    awaited: Awaited,
    routes: Routes,
    open: OpenRequests,
    /// Requests under way that started when nothing was recorded; their ends are no surprise.
    unrecorded: u64,
    reporter: Reporter,
    draws: Draws,
    totals: Totals,
    /// Unix time when the monotonic clock was zero, in nanoseconds.
    clock_offset_ns: u64,
    /// Minutes since 1970, when the clocks were last read.
    minute: u64,
}

impl Filter {
    /// A VM without an assignment. `seed` is random.
    #[must_use]
    pub fn new(identity: Identity, seed: u64) -> Self {
        Self {
            identity,
            router: Router::default(),
            report: None,
            series: Vec::new(),
            recorder: Recorder::default(),
            behaviour: Behaviour::default(),
            awaited: Awaited::default(),
            routes: Routes::default(),
            open: OpenRequests::default(),
            unrecorded: 0,
            reporter: Reporter::default(),
            draws: Draws::new(seed),
            totals: Totals::default(),
            clock_offset_ns: 0,
            minute: 0,
        }
    }

    /// Reads both clocks, in nanoseconds. Call it before anything else and at each tick.
    pub fn set_clocks(&mut self, monotonic_ns: u64, unix_ns: u64) {
        self.clock_offset_ns = unix_ns.saturating_sub(monotonic_ns);
        self.minute = unix_ns / MINUTE_NS;
    }

    /// Sets Envoy's names for this proxy.
    pub fn set_node(&mut self, node: String, cluster: String) {
        self.identity.node = node;
        self.identity.cluster = cluster;
    }

    /// Obeys a new assignment; empty bytes: none. What is refused leaves the last good one in force.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn configure(&mut self, json: &[u8], now_ns: u64) -> Result<Generation, AssignmentError> {
        let mut router =
            if json.is_empty() { Router::default() } else { Router::new(&assignment::parse(json)?) };
        router.continue_from(&self.router, now_ns);
        self.report = router.report().cloned().map(Rc::new);
        self.series = vec![None; router.series()];
        self.router = router;
        let open = self.open.series();
        let behaviour = &self.behaviour;
        self.recorder.forget_unused(|series| open.contains(&series) || behaviour.uses(series));
        self.reporter.reconfigured(now_ns);
        if let Some(report) = &self.report {
            self.reporter.spread(now_ns, self.unix_ns(now_ns), report.interval_ms, self.draws.next());
        }
        Ok(self.router.generation())
    }

    /// Totals since the VM started.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether requests are recorded: there is an assignment with services, and it says how to report.
    #[must_use]
    pub const fn records(&self) -> bool {
        self.report.is_some() && !self.router.is_empty()
    }

    /// Whether the ends of requests matter.
    #[must_use]
    pub fn awaits_ends(&self) -> bool {
        self.records() || self.unrecorded > 0 || !self.open.is_empty()
    }

    /// Where a request goes; `None`: to the baseline, of a service that the assignment does not know.
    pub fn route(&mut self, view: &impl RequestView) -> Option<Route> {
        if self.router.is_empty() {
            return None;
        }
        let (draws, asked) = (&mut self.draws, Page { request: view, path: None });
        let draw: &mut dyn FnMut() -> u64 = &mut || draws.next();
        let decision = arms::decide_at(&self.router, &asked, draw, self.minute)?;
        let arm =
            (decision.arm != ArmIndex::BASELINE).then(|| self.router.arm_name(decision.at, decision.arm));
        let set_cookie = decision.issue.map(|(cookie, id)| {
            let id = String::from_utf8_lossy(&ring::session_text(id)).into_owned();
            format!("{}={id}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax", cookie.name, cookie.max_age_s)
        });
        let kind = if self.records() { Kind::of(view) } else { Kind::Plain };
        let user = decision.why.bucket();
        let baggage = carried(&self.router, &decision, view, self.minute);
        if let Baggage::Replace { dropped, .. } = &baggage {
            self.totals.dropped_baggage += u64::try_from(*dropped).unwrap_or(u64::MAX);
        }
        let (arm, index, at) = (arm.flatten(), decision.arm, decision.at);
        Some(Route { arm, set_cookie, baggage, at, index, kind, user })
    }

    /// A request starts. `asked`: whether the arm of the route could be asked for; if not, the baseline serves it.
    pub fn started(&mut self, context: u32, now_ns: u64, route: Option<&Route>, asked: bool) {
        if !self.records() {
            self.unrecorded += 1;
            return;
        }
        if !self.open.has_room() {
            return;
        }
        let counted = route.map(|route| {
            let arm = if asked { route.index } else { ArmIndex::BASELINE };
            let series = self.series_of(route.at, arm);
            let second = self.recorder.start(series, self.unix_second(now_ns), route.user);
            (series, second)
        });
        let sampled = match self.report.as_ref().map_or(0, |report| report.host_sample) {
            0 => false,
            1 => true,
            one_in => self.draws.next().is_multiple_of(one_in.into()),
        };
        let kind = route.map_or(Kind::Plain, |route| route.kind);
        let user = route.and_then(|route| route.user);
        self.open.insert(context, Open { counted, start_ns: now_ns, sampled, kind, user });
    }

    /// A request ends.
    pub fn finished(&mut self, context: u32, now_ns: u64, view: &impl ResponseView) {
        self.awaited.forget(context);
        let Some(open) = self.open.remove(context) else {
            if self.unrecorded > 0 {
                self.unrecorded -= 1;
            } else if self.records() {
                self.totals.unseen_requests += 1;
                self.recorder.unseen();
            }
            return;
        };
        let Some((series, second)) = open.counted else { return };
        let grpc_status = if open.kind == Kind::Grpc { view.grpc_status() } else { None };
        let (status, flags) = if open.kind != Kind::Upgrade && view.is_plain() {
            (PLAIN_STATUS, Flags::default())
        } else {
            (view.status().unwrap_or(outcome::NO_STATUS), view.flags())
        };
        let outcome = outcome::classify(status, grpc_status, flags);
        // An upgraded connection lasts as long as its users talk.
        let latency_us = (status != outcome::UPGRADED).then(|| now_ns.saturating_sub(open.start_ns) / 1_000);
        let host = if open.sampled { view.upstream_address() } else { None };
        self.recorder.finish(series, second, outcome, latency_us, host, open.user);
        if outcome.is_error()
            && self.recorder.has_blocks(series)
            && let Some(named) = view.block_errors()
        {
            self.recorder.blame(series, second, named);
        }
        if open.sampled && self.report.as_ref().is_some_and(|report| report.route_metadata) {
            self.discover(series, now_ns, view);
        }
    }

    /// Looks at the route of a sampled request.
    fn discover(&mut self, series: SeriesId, now_ns: u64, view: &impl ResponseView) {
        let Self { recorder, routes, .. } = self;
        let Some((service, component)) = recorder.names(series) else { return };
        let route = view.route_name().unwrap_or_default();
        match routes.due(route, service, component, now_ns) {
            Due::No => {}
            Due::Read => routes.read(route, service, component, view.route_metadata(), now_ns),
            Due::Untold => recorder.untold_route(),
        }
    }

    /// Time passes. Call it every 100 to 200 ms.
    pub fn tick(&mut self, now_ns: u64) -> Option<Dispatch> {
        let settings = self.report.clone()?;
        self.open.forget_abandoned(now_ns);
        let draw = self.draws.next();
        let overdue = self.reporter.expire(now_ns, draw);
        self.settle(overdue);
        let idle = self.recorder.is_empty()
            && self.behaviour.is_empty()
            && self.open.is_empty()
            && self.routes.is_told();
        let body = match self.reporter.step(now_ns, self.unix_ns(now_ns), settings.interval_ms, idle) {
            Step::Wait => return None,
            Step::Send(bytes) => bytes,
            Step::Freeze(seq) => {
                let bytes: Rc<[u8]> = self.freeze(seq, now_ns).into();
                self.reporter.frozen(now_ns, Rc::clone(&bytes));
                bytes
            }
        };
        Some(Dispatch { settings, body })
    }

    fn freeze(&mut self, seq: u64, now_ns: u64) -> Vec<u8> {
        let levels = self.open.levels(now_ns);
        let mut batch = self.recorder.drain(self.unix_second(now_ns), &levels);
        batch.routes = self.routes.drain();
        batch.behaviour = self.behaviour.drain(&self.recorder);
        let measured = !batch.strata.is_empty()
            || batch.gaps.is_some()
            || !batch.routes.is_empty()
            || !batch.behaviour.is_empty();
        let request = wire::ReportRequest {
            node: self.identity.node.clone(),
            epoch: self.identity.epoch,
            seq,
            generation: self.router.generation().0,
            batch: measured.then_some(batch),
            filter_version: self.identity.version.to_owned(),
            cluster: self.identity.cluster.clone(),
        };
        request.encode_to_vec()
    }

    fn series_of(&mut self, at: Located, arm: ArmIndex) -> SeriesId {
        let cached = self.router.series_number(at, arm).and_then(|number| self.series.get_mut(number));
        if let Some(Some(series)) = cached {
            return *series;
        }
        let arm = self.router.arm_name(at, arm);
        let names = (self.router.service_name(at.service), self.router.component_name(at));
        let series = self.recorder.series(names.0, names.1, arm.as_deref().unwrap_or(BASELINE));
        let blocks = self.router.component(at).map(|component| component.blocks.names());
        self.recorder.set_blocks(series, blocks.unwrap_or_default());
        if let Some(slot) = cached {
            *slot = Some(series);
        }
        series
    }

    const fn unix_ns(&self, now_ns: u64) -> u64 {
        self.clock_offset_ns.saturating_add(now_ns)
    }

    const fn unix_second(&self, now_ns: u64) -> u64 {
        self.unix_ns(now_ns) / 1_000_000_000
    }
}

#[cfg(test)]
mod tests;

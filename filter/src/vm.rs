//! The state of the VM, and what each callback does with it.

use std::cell::RefCell;

use serin_filter_core::baggage::Baggage;
use serin_filter_core::filter::{Dispatch, Filter, Handling, Identity, Route};
use serin_proto::assignment::bounds::JSON_BYTES;
use serin_proto::assignment::{ARM_HEADER, BAGGAGE_HEADER};

use crate::hostcalls::{Call, Expression};
use crate::stats::Stats;
use crate::views::{self, Request, Response};

/// Milliseconds between ticks. Short, because each push of an assignment starts the timer anew.
const TICK_MS: u32 = 100;
/// Filter state in which a cookie for the response is left; Envoy names it `wasm.serin.set_cookie`.
const SET_COOKIE: &str = "serin.set_cookie";

thread_local! {
    static VM: RefCell<Option<Vm>> = const { RefCell::new(None) };
}

/// Everything that outlives a callback.
#[derive(Debug)]
pub(crate) struct Vm {
    filter: Filter,
    stats: Stats,
    plain: Option<Expression>,
}

impl Vm {
    /// Uses the state; `None` if a callback is already using it.
    pub(crate) fn with<T>(call: &Call, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        VM.try_with(|vm| {
            let mut vm = vm.try_borrow_mut().ok()?;
            Some(act(vm.get_or_insert_with(|| Self::new(call))))
        })
        .ok()
        .flatten()
    }

    fn new(call: &Call) -> Self {
        // Two VMs must not share an epoch; without randomness the clocks must do.
        let random = || call.random().unwrap_or_else(|| call.unix_ns() ^ call.monotonic_ns().rotate_left(32));
        let identity =
            Identity { epoch: random().max(1), version: env!("CARGO_PKG_VERSION"), ..Identity::default() };
        Self { filter: Filter::new(identity, random()), stats: Stats::new(call), plain: None }
    }

    /// Obeys a new configuration; false refuses it.
    pub(crate) fn configure(&mut self, call: &Call, bytes: usize) -> bool {
        let now_ns = self.set_clocks(call);
        let node = |paths: [&str; 2]| {
            let text = paths.into_iter().find_map(|path| call.property(path)).unwrap_or_default();
            String::from_utf8_lossy(text).into_owned()
        };
        let (id, cluster) =
            (node(["xds\0node\0id", "node\0id"]), node(["xds\0node\0cluster", "node\0cluster"]));
        self.filter.set_node(id, cluster);
        // One byte more than the bound is enough to be refused for its length.
        let Some(json) = call.configuration(bytes.min(JSON_BYTES + 1)) else {
            call.log_error("serin: the assignment could not be read");
            self.stats.rejected(call);
            return false;
        };
        match self.filter.configure(json, now_ns) {
            Ok(generation) => {
                self.stats.accepted(call, generation.0);
                // Each root context compiles its own, so the token of the newest serves them all.
                self.plain = call.compile(views::PLAIN);
                call.tick_every(TICK_MS);
                true
            }
            Err(error) => {
                call.log_error(&format!("serin: refused: {error}"));
                self.stats.rejected(call);
                false
            }
        }
    }

    /// Time passes; a report to send.
    pub(crate) fn tick(&mut self, call: &Call) -> Option<Dispatch> {
        let now_ns = self.set_clocks(call);
        let dispatch = self.filter.tick(now_ns);
        self.stats.tell(call, self.filter.totals());
        dispatch
    }

    fn set_clocks(&mut self, call: &Call) -> u64 {
        let now_ns = call.monotonic_ns();
        self.filter.set_clocks(now_ns, call.unix_ns());
        now_ns
    }

    /// The call of a report was made, or could not be.
    pub(crate) fn called(&mut self, call: &Call, token: Option<u32>) {
        self.filter.called(token, call.monotonic_ns());
    }

    /// A report was answered. News that waited for that leaves at once, as the report that is returned.
    pub(crate) fn acknowledged(&mut self, call: &Call, token: u32, bytes: usize) -> Option<Dispatch> {
        let response = call.grpc_message(bytes).unwrap_or_default();
        self.filter.acknowledged(token, response, call.monotonic_ns());
        self.tick(call)
    }

    /// A report failed.
    pub(crate) fn closed(&mut self, call: &Call, token: u32, status: u32) {
        self.filter.closed(token, status, call.monotonic_ns());
    }

    /// A request came: choose its arm, unless it is a beacon.
    pub(crate) fn request(&mut self, call: &Call, context: u32, ended: bool) -> Flow {
        let start_ns = if self.filter.records() { call.monotonic_ns() } else { 0 };
        let request = Request::new(call);
        match self.filter.beacon(context, &request, ended, start_ns) {
            Handling::Pass => {}
            handling @ (Handling::Answer(_) | Handling::Document(..) | Handling::Await) => {
                return handle(call, &handling);
            }
        }
        let route = self.filter.route(&request);
        let asked = ask(call, &request, route.as_ref());
        self.filter.started(context, start_ns, route.as_ref(), asked);
        Flow::Continue
    }

    /// So many bytes of a body have come.
    pub(crate) fn body(&mut self, call: &Call, context: u32, bytes: usize, ended: bool) -> Flow {
        if self.filter.awaits_body(context).is_none() {
            return Flow::Continue;
        }
        let (request, now_ns) = (Request::new(call), call.monotonic_ns());
        let body = || call.request_body(bytes).unwrap_or_default();
        handle(call, &self.filter.beacon_body(context, &request, (bytes, ended), body, now_ns))
    }

    /// A body has ended, and trailers follow.
    pub(crate) fn trailers(&mut self, call: &Call, context: u32) -> Flow {
        match self.filter.awaits_body(context) {
            Some(max_bytes) => self.body(call, context, max_bytes, true),
            None => Flow::Continue,
        }
    }

    /// A request ended.
    pub(crate) fn finished(&mut self, call: &Call, context: u32) {
        if self.filter.awaits_ends() {
            self.filter.finished(context, call.monotonic_ns(), &Response { call, plain: self.plain });
        }
    }
}

/// Whether a request goes on to the next filter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flow {
    /// It goes on.
    Continue = 0,
    /// It waits; what comes of its body is kept by the host.
    Stop = 1,
}

/// Answers a beacon or lets it wait. Where the host cannot answer, it goes on as any request: it must not hang.
fn handle(call: &Call, handling: &Handling) -> Flow {
    let (status, document) = match handling {
        Handling::Pass => return Flow::Continue,
        Handling::Await => return Flow::Stop,
        Handling::Answer(status) => (*status, None),
        Handling::Document(status, document) => (*status, Some(document)),
    };
    let allow = (status == 405).then_some(("allow", "POST"));
    let kind = document.map(|_| ("content-type", "application/json"));
    let headers: Vec<_> = allow.into_iter().chain(kind).collect();
    let body = document.map_or("", String::as_str);
    if call.respond(status, &headers, body) { Flow::Stop } else { Flow::Continue }
}

/// Asks Envoy for the arm, and for nothing else that a client may have asked for; whether it could.
fn ask(call: &Call, request: &Request<'_>, route: Option<&Route>) -> bool {
    if let Some(cookie) = route.and_then(|route| route.set_cookie.as_deref()) {
        call.set_property(SET_COOKIE, cookie);
    }
    match route.map(|route| &route.baggage) {
        None | Some(Baggage::Keep) => {}
        Some(Baggage::Remove) => call.remove_request_header(BAGGAGE_HEADER),
        Some(Baggage::Replace { value, .. }) => {
            call.replace_request_header(BAGGAGE_HEADER, value);
        }
    }
    if let Some(arm) = route.and_then(|route| route.arm.as_deref()) {
        if call.replace_request_header(ARM_HEADER, arm) && call.clear_route_cache() {
            return true;
        }
        call.remove_request_header(ARM_HEADER);
        return false;
    }
    if request.has_header(ARM_HEADER) {
        call.remove_request_header(ARM_HEADER);
        // The route may have been selected by what the client sent.
        call.clear_route_cache();
    }
    true
}

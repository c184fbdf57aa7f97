//! One simulated Envoy: the real filter core in each of its VMs, driven as the WASM shell drives it.

use std::rc::Rc;

use anyhow::{Result, anyhow};
use serin_analysis::Arm;
use serin_filter_core::filter::{Dispatch, Filter, Identity, ResponseView, Route};
use serin_filter_core::outcome::Flags;
use serin_filter_core::request::RequestView;
use serin_proto::assignment::CANARY;

/// "The upstream did not answer in time": Envoy's response flag `UT`.
const UPSTREAM_REQUEST_TIMEOUT: Flags = Flags(1 << 2);

/// One life of one VM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct VmId {
    pub(super) envoy: usize,
    /// Life of the Envoy.
    pub(super) life: u32,
    /// 0: the main thread's.
    pub(super) vm: usize,
}

/// One Envoy.
#[derive(Debug)]
pub(super) struct Envoy {
    pub(super) name: String,
    pub(super) life: u32,
    /// Whether it serves.
    pub(super) is_up: bool,
    /// Whether its configuration stream is open.
    pub(super) is_subscribed: bool,
    /// Nothing passes between it and the control plane before this.
    pub(super) cut_until_ns: u64,
    pub(super) vms: Vec<Vm>,
    /// Its wall clock, relative to the true one that begins at second 0.
    unix_ns: u64,
}

/// One VM.
#[derive(Debug)]
pub(super) struct Vm {
    filter: Filter,
    /// Number of its account.
    pub(super) account: usize,
    /// Generation that it obeys. 0: none.
    pub(super) generation: u64,
    /// Root contexts so far; the timer is of the newest.
    pub(super) root: u32,
    context: u32,
    token: u32,
    unix_ns: u64,
}

/// A request as the filter sees it.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    pub(super) user: Option<&'a str>,
}

/// How a request ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending<'a> {
    pub(super) outcome: Outcome,
    pub(super) host: &'a str,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Ok,
    Failed,
    TimedOut,
}

impl RequestView for View<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        match name {
            ":path" => Some(self.path.as_bytes()),
            ":method" => Some(b"GET"),
            ":authority" => Some(b"shop.example.com"),
            "x-user-id" => self.user.map(str::as_bytes),
            _ => None,
        }
    }

    fn route_name(&self) -> Option<&[u8]> {
        None
    }
}

impl ResponseView for Ending<'_> {
    fn is_plain(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    fn status(&self) -> Option<u16> {
        Some(match self.outcome {
            Outcome::Ok => 200,
            Outcome::Failed => 500,
            Outcome::TimedOut => 504,
        })
    }

    fn grpc_status(&self) -> Option<u32> {
        None
    }

    fn flags(&self) -> Flags {
        if self.outcome == Outcome::TimedOut { UPSTREAM_REQUEST_TIMEOUT } else { Flags::default() }
    }

    fn upstream_address(&self) -> Option<&[u8]> {
        Some(self.host.as_bytes())
    }

    fn block_errors(&self) -> Option<&[u8]> {
        None
    }

    fn route_name(&self) -> Option<&[u8]> {
        None
    }

    fn route_metadata(&self) -> Option<&[u8]> {
        None
    }
}

impl Envoy {
    /// An Envoy that is down. Its wall clock shows `unix_ns` at second 0.
    pub(super) fn new(position: usize, unix_ns: u64) -> Self {
        Self {
            name: format!("envoy-{position}"),
            life: 0,
            is_up: false,
            is_subscribed: false,
            cut_until_ns: 0,
            vms: Vec::new(),
            unix_ns,
        }
    }

    /// Begins a life with a VM for each account: its number, epoch and seed.
    pub(super) fn start(&mut self, accounts: &[(usize, u64, u64)]) {
        self.life += 1;
        self.is_up = true;
        let vm = |&(account, epoch, seed): &(usize, u64, u64)| {
            let identity = Identity { epoch, version: env!("CARGO_PKG_VERSION"), ..Identity::default() };
            Vm {
                filter: Filter::new(identity, seed),
                account,
                generation: 0,
                root: 0,
                context: 0,
                token: 0,
                unix_ns: self.unix_ns,
            }
        };
        self.vms = accounts.iter().map(vm).collect();
    }

    /// Dies with all that its VMs know.
    pub(super) fn die(&mut self) {
        self.is_up = false;
        self.is_subscribed = false;
        self.vms.clear();
    }

    pub(super) fn is_cut(&self, now_ns: u64) -> bool {
        now_ns < self.cut_until_ns
    }
}

impl Vm {
    /// A new root context obeys `json`.
    pub(super) fn configure(&mut self, node: &str, generation: u64, json: &str, now_ns: u64) -> Result<()> {
        self.filter.set_clocks(now_ns, self.unix_ns + now_ns);
        self.filter.set_node(node.to_owned(), "simulated".to_owned());
        let obeyed = self.filter.configure(json.as_bytes(), now_ns);
        let obeyed = obeyed.map_err(|error| anyhow!("{node} refuses generation {generation}: {error}"))?;
        self.generation = obeyed.0;
        self.root += 1;
        Ok(())
    }

    /// A request starts: its arm, what belongs to its context, and whether it is recorded.
    pub(super) fn route(&mut self, view: &View<'_>) -> (Arm, Option<Route>) {
        let route = self.filter.route(view);
        let asked = route.as_ref().and_then(|route| route.arm.as_deref());
        (if asked == Some(CANARY) { Arm::Canary } else { Arm::Baseline }, route)
    }

    /// The request that was routed is sent on. Gives its context.
    pub(super) fn started(&mut self, route: Option<&Route>, now_ns: u64) -> u32 {
        self.context += 1;
        self.filter.started(self.context, now_ns, route, true);
        self.context
    }

    pub(super) fn finished(&mut self, context: u32, ending: &Ending<'_>, now_ns: u64) {
        if self.filter.awaits_ends() {
            self.filter.finished(context, now_ns, ending);
        }
    }

    /// The timer. Gives what is to be sent, and the token of that call.
    pub(super) fn tick(&mut self, now_ns: u64) -> Option<(Rc<[u8]>, u32)> {
        self.filter.set_clocks(now_ns, self.unix_ns + now_ns);
        let Dispatch { body, .. } = self.filter.tick(now_ns)?;
        self.token += 1;
        self.filter.called(Some(self.token), now_ns);
        Some((body, self.token))
    }

    pub(super) fn acknowledged(&mut self, token: u32, answer: &[u8], now_ns: u64) {
        self.filter.acknowledged(token, answer, now_ns);
    }

    pub(super) fn closed(&mut self, token: u32, status: u32, now_ns: u64) {
        self.filter.closed(token, status, now_ns);
    }
}

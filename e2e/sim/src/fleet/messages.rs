//! What passes between Envoys and control plane: reports up, their answers and assignments down.

use std::rc::Rc;

use anyhow::Result;
use prost::Message as _;
use serin_control_plane::fleet::ledger::GATHER;
use serin_control_plane::rollouts::SPACING;
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};

use super::control::{Caller, Received};
use super::envoy::VmId;
use super::{Fleet, Happening, MILLISECOND_NS, SECOND_NS, TICK_NS, living, nanoseconds};

/// Deadline of a report's call.
const DEADLINE_NS: u64 = 5 * SECOND_NS;
/// Time within which the workers of an Envoy take up an assignment, one after the other.
const WORKERS_NS: u64 = 5 * MILLISECOND_NS;
/// gRPC statuses.
const DEADLINE_EXCEEDED: u32 = 4;
const UNAVAILABLE: u32 = 14;

impl Fleet<'_> {
    /// A VM's timer.
    pub(super) fn tick(&mut self, id: VmId, root: u32) -> Result<()> {
        let Some(vm) = living(&mut self.envoys, id) else { return Ok(()) };
        if vm.root != root {
            return Ok(());
        }
        self.queue.at(self.now_ns + TICK_NS, Happening::Tick { vm: id, root });
        self.report(id)
    }

    /// Sends what a VM has to tell.
    fn report(&mut self, id: VmId) -> Result<()> {
        let now_ns = self.now_ns;
        let Some(vm) = living(&mut self.envoys, id) else { return Ok(()) };
        let Some((body, token)) = vm.tick(now_ns) else { return Ok(()) };
        let seq = ReportRequest::decode(&*body)?.seq;
        if let Some(account) = self.accounts.get_mut(vm.account) {
            account.sent(seq);
        }
        let caller = Caller { vm: id, token };
        let closed = Happening::Closed { caller, status: DEADLINE_EXCEEDED };
        self.queue.at(now_ns + DEADLINE_NS, closed);
        self.pass(caller, || Happening::Sent { caller, body: Rc::clone(&body) });
        Ok(())
    }

    /// Lets a message pass, or not.
    fn pass(&mut self, caller: Caller, arrival: impl Fn() -> Happening) {
        if self.is_cut(caller.vm.envoy) {
            return;
        }
        let network = self.setup.network;
        // All is drawn whatever happens, so that one message does not change the luck of the next.
        let [lost, known, repeated] = std::array::from_fn(|_| self.random.unit());
        let (delay, again) = (self.delay(), self.delay() + self.random.below(3 * SECOND_NS));
        if lost < network.lost {
            self.failures.messages_lost += 1;
            if known < 0.5 {
                self.queue.at(self.now_ns + delay, Happening::Closed { caller, status: UNAVAILABLE });
            }
            return;
        }
        self.queue.at(self.now_ns + delay, arrival());
        if repeated < network.repeated {
            self.failures.messages_repeated += 1;
            self.queue.at(self.now_ns + again, arrival());
        }
    }

    pub(super) fn delay(&mut self) -> u64 {
        let late = self.random.unit() < self.setup.network.late;
        let late = self.random.below(SECOND_NS) * u64::from(late);
        let usual = self.random.exponential(self.setup.network.delay_ms.max(1e-6));
        MILLISECOND_NS + (usual * MILLISECOND_NS as f64) as u64 + late
    }

    pub(super) fn is_cut(&self, envoy: usize) -> bool {
        self.envoys.get(envoy).is_none_or(|envoy| envoy.is_cut(self.now_ns))
    }

    /// A report comes to where the control plane is, or was.
    pub(super) fn received(&mut self, caller: Caller, body: &[u8]) {
        let now = self.unix();
        let Some(control) = &mut self.control else {
            return self.pass(caller, || Happening::Closed { caller, status: UNAVAILABLE });
        };
        match control.receive(body, caller, now) {
            Received::Known(seq) => self.pass(caller, || Happening::Answered { caller, seq }),
            Received::Failed(status) => self.pass(caller, || Happening::Closed { caller, status }),
            Received::Waits => {}
        }
        let life = self.control_life;
        if !std::mem::replace(&mut self.is_flush_due, true) {
            self.queue.at(self.now_ns + nanoseconds(GATHER), Happening::Flush { life });
        }
        if !std::mem::replace(&mut self.is_news_due, true) {
            let at_ns = self.now_ns.max(self.judged_ns + nanoseconds(SPACING));
            self.queue.at(at_ns, Happening::News { life });
        }
    }

    /// Writes the ledger and answers those who waited for it.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.is_flush_due = false;
        let Self { control: Some(control), store, .. } = self else { return Ok(()) };
        for (caller, seq) in control.flush(store)? {
            self.pass(caller, || Happening::Answered { caller, seq });
        }
        Ok(())
    }

    /// An answer comes back. News that waited for it leaves at once, as in the shell.
    pub(super) fn answered(&mut self, caller: Caller, seq: u64) -> Result<()> {
        let now_ns = self.now_ns;
        let Some(vm) = living(&mut self.envoys, caller.vm) else { return Ok(()) };
        vm.acknowledged(caller.token, &ReportResponse { seq }.encode_to_vec(), now_ns);
        self.report(caller.vm)
    }

    pub(super) fn closed(&mut self, caller: Caller, status: u32) {
        let now_ns = self.now_ns;
        if let Some(vm) = living(&mut self.envoys, caller.vm) {
            vm.closed(caller.token, status, now_ns);
        }
    }

    /// Offers the newest assignment on every open stream.
    pub(super) fn publish(&mut self) {
        for envoy in 0..self.envoys.len() {
            self.offer(envoy);
        }
    }

    fn offer(&mut self, position: usize) {
        let Some(control) = &self.control else { return };
        let Some(envoy) = self.envoys.get(position).filter(|envoy| envoy.is_subscribed) else { return };
        let (life, (generation, json)) = (envoy.life, control.assignment());
        let at_ns = self.now_ns + self.delay();
        self.queue.at(at_ns, Happening::Push { envoy: position, life, generation, json: json.into() });
    }

    /// An Envoy opens its stream, or tries again later.
    pub(super) fn subscribe(&mut self, position: usize, life: u32) {
        let is_reachable = self.control.is_some() && !self.is_cut(position);
        let Some(envoy) = self.envoys.get_mut(position) else { return };
        if !envoy.is_up || envoy.life != life || envoy.is_subscribed {
            return;
        }
        if !is_reachable {
            return self.subscribe_soon(position, SECOND_NS);
        }
        envoy.is_subscribed = true;
        self.offer(position);
    }

    /// An Envoy will open its stream after half of `about_ns` to one and a half of it.
    pub(super) fn subscribe_soon(&mut self, position: usize, about_ns: u64) {
        let Some(life) = self.envoys.get(position).map(|envoy| envoy.life) else { return };
        let at_ns = self.now_ns + about_ns / 2 + self.random.below(about_ns);
        self.queue.at(at_ns, Happening::Subscribe { envoy: position, life });
    }

    /// An assignment comes to an Envoy, whose threads take it up one by one.
    pub(super) fn pushed(&mut self, position: usize, life: u32, generation: u64, json: &Rc<str>) {
        let vms = self.envoys.get(position).filter(|envoy| envoy.is_up && envoy.life == life);
        for vm in 0..vms.map_or(0, |envoy| envoy.vms.len()) {
            let at_ns = self.now_ns + self.random.below(WORKERS_NS);
            let id = VmId { envoy: position, life, vm };
            self.queue.at(at_ns, Happening::Configure { vm: id, generation, json: Rc::clone(json) });
        }
    }

    /// A stream is in order and one that is new begins with the newest, so an older assignment is never taken up.
    pub(super) fn configure(&mut self, id: VmId, generation: u64, json: &str) -> Result<()> {
        let now_ns = self.now_ns;
        let name = self.envoys.get(id.envoy).map(|envoy| envoy.name.clone()).unwrap_or_default();
        let Some(vm) = living(&mut self.envoys, id).filter(|vm| vm.generation < generation) else {
            return Ok(());
        };
        vm.configure(&name, generation, json, now_ns)?;
        self.queue.at(now_ns + TICK_NS, Happening::Tick { vm: id, root: vm.root });
        Ok(())
    }
}

//! Requests on their way: sent, routed by a filter, served, ended.

use anyhow::{Result, anyhow};
use serin_analysis::Arm;

use super::envoy::{Ending, Outcome, View, VmId};
use super::traffic::{Fate, Request};
use super::{Decision, Ends, Fleet, Happening, MILLISECOND_NS, SECOND_NS, living};

impl Fleet<'_> {
    /// Draws the requests of a second.
    pub(super) fn second(&mut self, second: u64) {
        self.queue.at((second + 1) * SECOND_NS, Happening::Second(second + 1));
        let exposed = self.exposed_from.and_then(|from| second.checked_sub(from));
        let requests = self.traffic.next(second, self.weight_ppm, exposed);
        if !self.is_quiet {
            self.arrivals.extend(requests);
        }
    }

    /// A request comes to an Envoy that serves, if there is one.
    pub(super) fn serve(&mut self, request: &Request) -> Result<()> {
        let up = || self.envoys.iter().enumerate().filter(|(_, envoy)| envoy.is_up);
        let number = up().count() as u64;
        let chosen =
            request.envoy.checked_rem(number).and_then(|chosen| up().nth(usize::try_from(chosen).ok()?));
        let Some((position, life)) = chosen.map(|(position, envoy)| (position, envoy.life)) else {
            self.failures.unserved += 1;
            return Ok(());
        };
        let worker = usize::try_from(request.worker % self.setup.workers as u64)?;
        let id = VmId { envoy: position, life, vm: 1 + worker };
        let user = request.user.map(|user| format!("user-{user}"));
        let path = self.paths.get(request.route).map_or("/", String::as_str);
        let vm = self.envoys.get_mut(position).and_then(|envoy| envoy.vms.get_mut(id.vm));
        let vm = vm.ok_or_else(|| anyhow!("{id:?} does not exist"))?;
        let (arm, route) = vm.route(&View { path, user: user.as_deref() });
        if let Some(log) = &mut self.log {
            let (at_ms, generation) = (self.now_ns / MILLISECOND_NS, vm.generation);
            let (user, component) = (request.user, request.component);
            log.push(Decision { at_ms, envoy: position, generation, user, component, arm });
        }
        let (outcome, after_ns, host, struck) = match self.traffic.fate(request, arm) {
            Fate::KeptAway => {
                self.deeds.struck += u64::from(arm == Arm::Canary);
                return Ok(());
            }
            Fate::Ends { outcome, after_ns, host, struck } => (outcome, after_ns, host, struck),
        };
        self.deeds.struck += u64::from(struck);
        let context = vm.started(route.as_ref(), self.now_ns);
        let is_recorded = vm.generation > 0;
        let account = self.accounts.get_mut(vm.account).filter(|_| is_recorded);
        if let Some(served) = account.and_then(|account| account.of(request.component, arm)) {
            served.started += 1;
        }
        let ends = Ends { outcome, host, is_recorded };
        let end = Happening::End { vm: id, context, request: Box::new(*request), arm, ends };
        self.queue.at(self.now_ns + after_ns, end);
        Ok(())
    }

    pub(super) fn end(&mut self, id: VmId, context: u32, request: &Request, arm: Arm, ends: Ends) {
        let Ends { outcome, host, is_recorded } = ends;
        if outcome == Outcome::Failed
            && let Some(again) = request.again(self.now_ns)
        {
            self.queue.at(again.at_ns, Happening::Again(Box::new(again)));
        }
        let now_ns = self.now_ns;
        let host = self.hosts.get(host).map_or("", String::as_str);
        let Some(vm) = living(&mut self.envoys, id) else { return };
        vm.finished(context, &Ending { outcome, host }, now_ns);
        let account = self.accounts.get_mut(vm.account).filter(|_| is_recorded);
        if let Some(served) = account.and_then(|account| account.of(request.component, arm)) {
            match outcome {
                Outcome::Ok => served.ok += 1,
                Outcome::Failed => served.failed += 1,
                Outcome::TimedOut => served.timed_out += 1,
            }
        }
    }
}

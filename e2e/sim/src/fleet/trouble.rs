//! Ends and beginnings: Envoys and the control plane die and come back, and networks part.

use anyhow::Result;

use super::account::Account;
use super::control::ControlPlane;
use super::setup::Trouble;
use super::{Fleet, Happening, MILLISECOND_NS, SECOND_NS};

/// Time that an Envoy needs to open its stream after its start.
const STARTING_NS: u64 = 200 * MILLISECOND_NS;
/// Time after which Envoys notice that the control plane is gone, or there again.
const NOTICE_NS: u64 = 500 * MILLISECOND_NS;

/// What comes back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Return {
    Envoy(usize),
    ControlPlane,
}

impl Fleet<'_> {
    /// Something goes wrong.
    pub(super) fn trouble(&mut self, number: usize) {
        match self.setup.troubles.get(number).map(|(_, trouble)| *trouble) {
            Some(Trouble::EnvoyRestarts { envoy, down_s }) => self.end_envoy(envoy, down_s),
            Some(Trouble::ControlPlaneCrashes { down_s }) => self.crash(down_s),
            Some(Trouble::CutOff { envoy: Some(envoy), for_s }) => self.cut_off(envoy, for_s),
            Some(Trouble::CutOff { envoy: None, for_s }) => {
                (0..self.envoys.len()).for_each(|envoy| self.cut_off(envoy, for_s));
            }
            None => {}
        }
    }

    fn end_envoy(&mut self, position: usize, down_s: u64) {
        let Some(envoy) = self.envoys.get_mut(position).filter(|envoy| envoy.is_up) else { return };
        for vm in &envoy.vms {
            if let Some(account) = self.accounts.get_mut(vm.account) {
                account.lives = false;
            }
        }
        envoy.die();
        self.failures.envoys_died += 1;
        self.queue.at(self.now_ns + down_s * SECOND_NS, Happening::Returns(Return::Envoy(position)));
    }

    /// The control plane dies with what it has not written; the streams of all Envoys end.
    fn crash(&mut self, down_s: u64) {
        if self.control.take().is_none() {
            return;
        }
        self.failures.crashes += 1;
        self.control_life += 1;
        (self.is_flush_due, self.is_news_due) = (false, false);
        for position in 0..self.envoys.len() {
            if let Some(envoy) = self.envoys.get_mut(position).filter(|envoy| envoy.is_up) {
                envoy.is_subscribed = false;
                self.subscribe_soon(position, NOTICE_NS);
            }
        }
        self.queue.at(self.now_ns + down_s * SECOND_NS, Happening::Returns(Return::ControlPlane));
    }

    fn cut_off(&mut self, position: usize, for_s: u64) {
        let until_ns = self.now_ns + for_s * SECOND_NS;
        let Some(envoy) = self.envoys.get_mut(position) else { return };
        envoy.cut_until_ns = envoy.cut_until_ns.max(until_ns);
        if envoy.is_up {
            envoy.is_subscribed = false;
            self.subscribe_soon(position, NOTICE_NS);
        }
    }

    pub(super) fn returns(&mut self, what: Return) -> Result<()> {
        match what {
            Return::Envoy(position) => self.start_envoy(position),
            Return::ControlPlane => {
                self.control = Some(ControlPlane::restore(&mut self.store)?);
                let life = self.control_life;
                let first_tick = self.now_ns + self.random.below(SECOND_NS);
                self.queue.at(first_tick, Happening::ControlTick { life });
            }
        }
        Ok(())
    }

    /// An Envoy begins a life, with a VM for each worker and one for its main thread.
    pub(super) fn start_envoy(&mut self, position: usize) {
        let components = self.components().len();
        let Some(envoy) = self.envoys.get_mut(position) else { return };
        let mut vms = Vec::new();
        for _ in 0..=self.setup.workers {
            let epoch = self.random.bits().max(1);
            vms.push((self.accounts.len(), epoch, self.random.bits()));
            self.accounts.push(Account::new(&envoy.name, epoch, components));
        }
        envoy.start(&vms);
        self.subscribe_soon(position, STARTING_NS);
    }
}

//! From evidence to what should be undone, and what speaks against it.

use super::Engine;
use super::component::Component;
use crate::localise::components_at_fault;
use crate::placebo::Phi;
use crate::risk::{Action, Prediction, Situation, decide};
use crate::scope::Process;
use crate::stratum::Evidence;
use crate::users::Users;
use crate::verdict::{Alarm, Signal, Trend, Veto};
use crate::veto::Circumstances;
use crate::watch::Watch;

impl Engine {
    /// Tells all scopes what their evidence must reach.
    pub(super) fn demand(&mut self) {
        let log_extra = self.log_extra;
        self.version.set_log_extra(log_extra);
        self.share.set_log_extra(log_extra);
        self.components.iter_mut().for_each(|component| component.set_log_extra(log_extra));
    }

    /// Names the scopes that have crossed their thresholds with nothing that speaks against acting. A scope once named
    /// stays so until it is made inactive.
    pub(super) fn flag(&mut self) {
        if self.version_flagged {
            return;
        }
        for index in 0..self.components.len() {
            self.flag_component(index);
        }
        self.flag_version();
    }

    fn flag_component(&mut self, index: usize) {
        let Some(component) = self.components.get(index) else { return };
        if !component.is_active() || self.flagged.contains(&index) {
            return;
        }
        let config = self.config.raw();
        let predicted =
            config.forecast.rollback && is_undone_unproved(component.process(), component.trend(config));
        let speaks = component.process().speaks() || predicted;
        let is_enough = component.process().is_crossed() || predicted;
        let vetoes = if speaks { self.component_vetoes(component) } else { Vec::new() };
        let is_over = was_shared(component.vetoes()) && !was_shared(&vetoes);
        let stands = is_enough && vetoes.is_empty();
        let Some(component) = self.components.get_mut(index) else { return };
        component.set_vetoes(vetoes);
        if is_over {
            component.forget(self.config.raw().beta);
        } else if stands {
            self.flag_at(index);
        }
    }

    fn flag_version(&mut self) {
        let split = self.share.is_crossed();
        let predicted =
            self.config.raw().forecast.rollback && is_undone_unproved(&self.version, self.version_trend());
        if !split && !predicted && !self.version.speaks() {
            self.version_vetoes.clear();
            return;
        }
        let vetoes = self.version_vetoes();
        let is_over = was_shared(&self.version_vetoes) && !was_shared(&vetoes);
        self.version_vetoes = vetoes;
        if is_over {
            self.version.forget(self.config.raw().beta);
            self.version_categories.forget();
            self.users.forget();
        } else if self.version_vetoes.is_empty() && (split || predicted || self.version.is_crossed()) {
            match if split || !self.version.is_crossed() { None } else { self.at_fault() } {
                Some(named) => self.flag_named(&named),
                None => self.version_flagged = true,
            }
        }
    }

    /// Flags the components that explain the version's evidence; those that a veto holds are held for the version too.
    fn flag_named(&mut self, named: &[usize]) {
        let vetoed = |index: &usize| {
            let component = self.components.get(*index);
            component.map(|component| self.component_vetoes(component)).unwrap_or_default()
        };
        let (free, held): (Vec<usize>, Vec<usize>) = named.iter().partition(|index| vetoed(index).is_empty());
        let mut vetoes: Vec<Veto> = held.iter().flat_map(vetoed).collect();
        vetoes.sort_unstable();
        vetoes.dedup();
        if free.is_empty() {
            self.version_vetoes = vetoes;
        }
        free.into_iter().for_each(|index| self.flag_at(index));
    }

    fn flag_at(&mut self, index: usize) {
        self.flagged.insert(index);
        if let Some(component) = self.components.get_mut(index) {
            component.alarmed(self.at_second);
        }
    }

    pub(super) fn alarm(&self) -> Option<Alarm> {
        if self.version_flagged {
            return Some(Alarm::Version);
        }
        let flagged = self.flagged.iter().filter_map(|index| self.components.get(*index));
        let flagged = flagged.filter(|component| !component.is_locating(self.at_second));
        let mut names: Vec<String> = flagged.map(|component| component.name().to_owned()).collect();
        names.sort();
        (!names.is_empty()).then_some(Alarm::Components(names))
    }

    fn component_vetoes(&self, component: &Component) -> Vec<Veto> {
        let users = component.solo().is_none().then(|| component.users());
        self.vetoes(component.process(), component.watch(), users, component.phi(self.config.raw()))
    }

    fn version_vetoes(&self) -> Vec<Veto> {
        if self.share.is_crossed() {
            Vec::new()
        } else {
            let users = self.alone.is_none().then_some(&self.users);
            self.vetoes(&self.version, &self.watch, users, self.version_phi())
        }
    }

    /// `users`: `None` while no baseline runs beside the canary. Whose requests failed is known of the failures that count by
    /// default, so it explains no others.
    fn vetoes(&self, process: &Process, watch: &Watch, users: Option<&Users>, phi: Phi) -> Vec<Veto> {
        let since = process.suspect_totals();
        let log_threshold = process.log_threshold();
        let is_slow = process.log_evidence_of(Signal::Latency) >= log_threshold;
        let explains = |users: &Users| users.explain(self.config.raw(), phi, log_threshold);
        let circumstances = Circumstances {
            signal: process.strongest_signal(),
            since: &since,
            watch,
            phi: phi.errors,
            second: self.at_second,
            gap_ended: self.gaps.ended,
            few_users: !is_slow && self.config.raw().failures.are_told_apart() && users.is_some_and(explains),
        };
        circumstances.vetoes()
    }

    /// The components that explain why the version crossed its threshold.
    fn at_fault(&self) -> Option<Vec<usize>> {
        let signal = self.version.strongest_signal();
        let since: Vec<u64> = self.version.since_updates().collect();
        let version_phi = self.version_phi();
        let active = self.components.iter().enumerate().filter(|(_, component)| component.is_active());
        let parts = active.map(|(index, component)| {
            let phi = component.phi(self.config.raw()).max(version_phi);
            let evidence = component.parts_in(&since, phi, &self.present()).into_iter().enumerate();
            let of_signal = evidence.filter(|(bet, _)| Evidence::signal_of(*bet) == signal);
            (index, of_signal.map(|(_, log_e)| log_e).collect())
        });
        components_at_fault(&parts.collect::<Vec<_>>())
    }
}

/// Whether what the trend predicts is to be undone before it is proved.
fn is_undone_unproved(process: &Process, trend: Option<Trend>) -> bool {
    let prediction = trend.map(|trend| trend.prediction).unwrap_or_default();
    let (log_evidence, log_threshold) = (process.log_evidence(), process.log_threshold());
    let situation = Situation { risk: 0.0, log_evidence, log_threshold, prediction };
    prediction != Prediction::Quiet && decide(&situation) == Action::Rollback
}

/// Evidence from a time in which something shared was broken is forgotten when that ends: what it says of the canary was
/// never sure.
fn was_shared(vetoes: &[Veto]) -> bool {
    vetoes.iter().any(|veto| matches!(veto, Veto::BothArmsWorse | Veto::BaselineUnhealthy))
}

/// What is wrong with the baseline, for so long that nothing may be promoted beside it.
pub(super) fn disturbance(watch: &Watch) -> Option<Veto> {
    let veto = if watch.is_canary_worse_too() { Veto::BothArmsWorse } else { Veto::BaselineUnhealthy };
    watch.is_worse_for_long().then_some(veto)
}

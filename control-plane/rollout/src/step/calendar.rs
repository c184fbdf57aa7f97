//! What the windows of the plan's calendar ask for.

use std::collections::BTreeMap;

use super::Change;
use crate::event::Fact;
use crate::plan::{Effect, Window};
use crate::{HoldReason, Order, Plan, Refused, State, UnixMillis};

/// The first window that is open and that no person overrode.
fn open<'a>(
    plan: &'a Plan,
    state: &State,
    now: UnixMillis,
    stops: impl Fn(Effect) -> bool,
) -> Option<&'a Window> {
    let is_overridden = |name: &str| state.overridden.get(name).is_some_and(|until| now < *until);
    plan.calendar().open(now).find(|window| stops(window.effect()) && !is_overridden(window.name()))
}

const fn forbids(effect: Effect) -> bool {
    match effect {
        Effect::Forbid => true,
        Effect::None | Effect::Hold | Effect::Stricter(_) => false,
    }
}

const fn stops(effect: Effect) -> bool {
    match effect {
        Effect::Forbid | Effect::Hold => true,
        Effect::None | Effect::Stricter(_) => false,
    }
}

/// Why nothing goes forward by itself.
pub(super) fn obstacle(change: &Change<'_>) -> Option<HoldReason> {
    let window = open(change.plan, &change.state, change.now, stops)?;
    Some(HoldReason::Window { name: window.name().to_owned() })
}

/// Refuses what a window forbids.
pub(super) fn check(plan: &Plan, state: &State, order: &'static str, now: UnixMillis) -> Result<(), Refused> {
    match open(plan, state, now, forbids) {
        None => Ok(()),
        Some(window) => Err(Refused::Window {
            order,
            window: window.name().to_owned(),
            when: window.text().to_owned(),
            zone: plan.calendar().zone().to_owned(),
        }),
    }
}

/// Whether an order gives the canary more users.
pub(super) fn raises(change: &Change<'_>, order: &Order) -> bool {
    match order {
        Order::SetWeight(weight) => *weight > change.state.weight,
        Order::Resume => change.place().1 > change.state.weight,
        Order::Promote => !change.state.phase.is_terminal(),
        Order::Pause
        | Order::HandOver
        | Order::OverrideWindows
        | Order::Approve(_)
        | Order::Rollback { .. } => false,
    }
}

/// Notes that a person overrides what is open. Does nothing where nothing is.
pub(super) fn override_open(change: &mut Change<'_>, reason: &str) {
    let (calendar, now) = (change.plan.calendar(), change.now);
    let concerned = calendar.open(now).filter(|window| stops(window.effect()));
    let concerned = concerned
        .filter(|window| change.state.overridden.get(window.name()).is_none_or(|until| now >= *until));
    let until: BTreeMap<String, UnixMillis> = concerned
        .map(|window| {
            let closes = calendar.closes(window.name(), now).unwrap_or(UnixMillis(u64::MAX));
            (window.name().to_owned(), closes)
        })
        .collect();
    if !until.is_empty() {
        change.record(Fact::WindowsOverridden { until, reason: reason.to_owned() });
    }
}

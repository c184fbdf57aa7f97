//! Edges between components, and where each is from.

use std::collections::BTreeSet;

use serin_proto::admin::v1 as api;

use crate::words;

/// Where an edge is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A plan or routes say it.
    Declared,
    /// The rollout took it when it was created.
    Taken,
    /// Traces showed it, and it acts in no rollout.
    Observed,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Taken => "taken when it began",
            Self::Observed => "observed only",
        }
    }

    /// As its line is drawn.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Declared => "──",
            Self::Taken => "╌╌",
            Self::Observed => "··",
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Declared => "edge",
            Self::Taken => "edge taken",
            Self::Observed => "edge observed",
        }
    }

    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Declared | Self::Taken => "needs",
            Self::Observed => "calls",
        }
    }
}

/// One component needs or calls another.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) kind: Kind,
    /// What becomes of `from`, and how many calls were seen.
    pub(super) note: String,
}

/// Those of a rollout's service.
pub(super) fn of(rollout: &api::Rollout, known: &[api::KnownComponent]) -> Vec<Edge> {
    let is_taken = |from: &str, to: &str| {
        let names =
            |value: &str| value == to || value.strip_prefix(to).is_some_and(|rest| rest.starts_with(" ("));
        rollout.taken.iter().any(|tag| tag.tag == "depends_on" && tag.component == from && names(&tag.value))
    };
    let mut edges = Vec::new();
    let mut seen = BTreeSet::new();
    for component in &rollout.components {
        for needed in &component.depends_on {
            let kind = if is_taken(&component.name, needed) { Kind::Taken } else { Kind::Declared };
            seen.insert((component.name.clone(), needed.clone()));
            edges.push(Edge {
                from: component.name.clone(),
                to: needed.clone(),
                kind,
                note: becomes(component, needed).to_owned(),
            });
        }
    }
    for one in known.iter().filter(|one| one.service == rollout.service) {
        for call in &one.calls {
            if seen.insert((one.name.clone(), call.needed.clone())) {
                let only = if call.canary_only { ", by the canary alone" } else { "" };
                let note = format!("{}{only}", words::counted(call.calls, "call"));
                edges.push(Edge {
                    from: one.name.clone(),
                    to: call.needed.clone(),
                    kind: Kind::Observed,
                    note,
                });
            }
        }
    }
    edges
}

fn becomes(component: &api::Component, needed: &String) -> &'static str {
    if component.returns_with.contains(needed) {
        "returns with it"
    } else if component.switched_off_with.contains(needed) {
        "is switched off without it"
    } else {
        "stays when it returns"
    }
}

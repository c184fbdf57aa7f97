//! From log records to counts of templates, for rollouts whose plan makes logs evidence.
//!
//! The lines of a service are grouped by templates ([`Templates`]), which are kept for as long as the service has such a rollout,
//! so what both versions write is known of both. A request counts once for a template, however many lines of it were
//! written; lines without a span cannot be told apart, so each counts. Which templates are a harm by themselves is said by
//! severity, exceptions and the classifier, never by how often they come.

use std::collections::BTreeMap;

use serin_analysis::Arm;
use serin_analysis::streams::{Kind, StreamCounts, StreamId};
use serin_evidence::mask::Masker;
use serin_logs::{LogLine, Severity, Template, TemplateId, Templates, classify};

use super::count::Services;
use super::recent::Recent;
use super::record::{Attributes, Gathered, Line};
use super::{AHEAD_MAX_S, NS_PER_S};

/// Services whose templates are kept; of more, no lines are counted.
const SERVICES_MAX: usize = 64;
/// Age of a line that still counts, in seconds: older ones come after their second was judged.
const AGE_MAX_S: u64 = 60;
/// Where there is no room for a template, those make room of which no line came for so long, in seconds.
const IDLE_S: u64 = 60;
/// Bytes of a template's text by which it is named.
const NAME_BYTES_MAX: usize = 256;
/// Probability of being an anomaly from which a template is a harm by itself.
const HARMFUL: f64 = 0.5;

/// What the lines of one service add up to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LoggedLines {
    pub(crate) service: String,
    pub(crate) counts: Vec<StreamCounts>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LineFate {
    /// It counts for its template.
    Counted,
    /// No rollout of its service makes logs evidence.
    NotLookedAt,
    /// It does not tell on which version it was written.
    UnknownVersion,
    /// It says nothing: its body is empty or bytes, and it tells of no exception.
    NoText,
    /// It was written too long ago, or is ahead of the clock.
    OutOfTime,
    /// Another line of its request and template was counted.
    Repeated,
    /// There was no room for it.
    Shed,
}

impl LineFate {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Counted,
        Self::NotLookedAt,
        Self::UnknownVersion,
        Self::NoText,
        Self::OutOfTime,
        Self::Repeated,
        Self::Shed,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::NotLookedAt => "not_looked_at",
            Self::UnknownVersion => "unknown_version",
            Self::NoText => "no_text",
            Self::OutOfTime => "out_of_time",
            Self::Repeated => "repeated",
            Self::Shed => "shed",
        }
    }

    /// What the sender is told of records that are taken, and yet no evidence. `None`: it is fine.
    pub(super) const fn remark(self) -> Option<&'static str> {
        match self {
            Self::UnknownVersion => Some(
                "are of no version in their service's rollout: serin.arm or service.version must tell which",
            ),
            Self::Counted
            | Self::NotLookedAt
            | Self::NoText
            | Self::OutOfTime
            | Self::Repeated
            | Self::Shed => None,
        }
    }
}

/// What is known of the lines of one service.
#[derive(Debug)]
struct Known {
    templates: Templates,
    /// Texts under which templates were counted first: a template that widens keeps its name.
    names: BTreeMap<TemplateId, String>,
    /// Second in which idle templates were forgotten last.
    cleared: u64,
}

impl Known {
    /// Makes room, at most once a second.
    fn clear(&mut self, now: u64) {
        if self.cleared < now {
            self.cleared = now;
            let Self { templates, names, .. } = self;
            templates.retire(now.saturating_sub(IDLE_S));
            names.retain(|id, _| templates.template(*id).is_some());
        }
    }
}

/// The templates of all services whose rollouts make logs evidence.
#[derive(Debug)]
pub(crate) struct Lines {
    masker: Masker,
    model: Option<classify::Model>,
    by_service: BTreeMap<String, Known>,
}

/// What the lines of a request add up to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) lines: Vec<LoggedLines>,
    pub(super) fates: BTreeMap<LineFate, u64>,
}

/// Lines of one service: template, arm and second, with how many requests have it.
type Cells = BTreeMap<(TemplateId, Arm, u64), u64>;

impl Lines {
    /// Secrets are masked by `masker`; `model` tells anomalous templates, severity alone without one.
    pub(crate) fn new(masker: Masker, model: Option<classify::Model>) -> Self {
        Self { masker, model, by_service: BTreeMap::new() }
    }

    /// Counts the lines of a request that came at `now`, in seconds.
    pub(super) fn take(
        &mut self,
        gathered: &Gathered<'_>,
        services: &Services<'_>,
        recent: &mut Recent,
        now: u64,
    ) -> Taken {
        self.by_service.retain(|service, _| services.looks_at_lines(service));
        let mut taken = Taken::default();
        let mut cells = BTreeMap::<String, Cells>::new();
        if gathered.lines_beyond_bound > 0 {
            taken.fates.insert(LineFate::Shed, gathered.lines_beyond_bound);
        }
        for group in &gathered.groups {
            for line in &group.lines {
                let fate = self.count(line, &group.resource, services, recent, now, &mut cells);
                *taken.fates.entry(fate).or_default() += 1;
            }
        }
        taken.lines = cells.into_iter().map(|(service, cells)| self.logged(service, cells)).collect();
        taken
    }

    fn count(
        &mut self,
        line: &Line<'_>,
        resource: &Attributes<'_>,
        services: &Services<'_>,
        recent: &mut Recent,
        now: u64,
        cells: &mut BTreeMap<String, Cells>,
    ) -> LineFate {
        let name =
            line.service.as_deref().or(resource.service.as_deref()).or(resource.service_name.as_deref());
        let Some(service) = name.filter(|name| services.looks_at_lines(name)) else {
            return LineFate::NotLookedAt;
        };
        let Some(arm) = services.arm_of_line(service, line.arm.as_deref(), resource) else {
            return LineFate::UnknownVersion;
        };
        if line.body.trim().is_empty() {
            return LineFate::NoText;
        }
        let second = if line.time_ns > 0 { line.time_ns / NS_PER_S } else { now };
        if !(now.saturating_sub(AGE_MAX_S)..=now.saturating_add(AHEAD_MAX_S)).contains(&second) {
            return LineFate::OutOfTime;
        }
        let Some(template) = self.template(service, line, (arm, second), now) else { return LineFate::Shed };
        let has_span = line.trace != 0 && line.span != 0;
        if has_span && !recent.is_first((line.trace, line.span, service, template.0)) {
            return LineFate::Repeated;
        }
        *cells.entry(service.to_owned()).or_default().entry((template, arm, second)).or_default() += 1;
        LineFate::Counted
    }

    /// The template of a line. `None`: there is no room for it.
    fn template(
        &mut self,
        service: &str,
        line: &Line<'_>,
        (arm, second): (Arm, u64),
        now: u64,
    ) -> Option<TemplateId> {
        if !self.by_service.contains_key(service) && self.by_service.len() >= SERVICES_MAX {
            return None;
        }
        let masker = &self.masker;
        let known = self.by_service.entry(service.to_owned()).or_insert_with(|| Known {
            templates: Templates::new(masker.clone()),
            names: BTreeMap::new(),
            cleared: 0,
        });
        let seen = known.templates.observe(
            &LogLine {
                body: &line.body,
                severity: Severity::from_number(line.severity),
                exception: line.exception_type.as_deref(),
                second,
            },
            arm,
        );
        if seen.template == TemplateId::OVERFLOW {
            known.clear(now);
            return None;
        }
        Some(seen.template)
    }

    fn logged(&mut self, service: String, cells: Cells) -> LoggedLines {
        let Self { by_service, model, .. } = self;
        let Some(known) = by_service.get_mut(&service) else {
            return LoggedLines { service, counts: Vec::new() };
        };
        let seconds: Vec<u64> = known.templates.seconds().collect();
        for second in seconds {
            known.templates.drain(second);
        }
        let counts = cells.into_iter().filter_map(|((id, arm, second), events)| {
            let template = known.templates.template(id)?;
            let name = known.names.entry(id).or_insert_with(|| named(&template.text(), template.exception));
            Some(StreamCounts {
                id: StreamId { kind: Kind::LogTemplate, component: String::new(), name: name.clone() },
                second,
                arm,
                events,
                exposures: None,
                is_harmful: is_harmful(&template, model.as_ref()),
                samples: template.samples.iter().map(|sample| sample.text.clone()).collect(),
            })
        });
        LoggedLines { counts: counts.collect(), service }
    }
}

/// Whether a template is a harm by itself: an exception is, what ends a process is, and what else the model says, or else every error.
fn is_harmful(template: &Template<'_>, model: Option<&classify::Model>) -> bool {
    let least = if model.is_some() { Severity::Fatal } else { Severity::Error };
    let tokens = || template.tokens.iter().copied();
    let is_anomalous = |model: &classify::Model| {
        let probability = classify::probability(Some(model), tokens(), template.severity, template.exception);
        probability >= HARMFUL
    };
    template.exception.is_some() || template.severity >= least || model.is_some_and(is_anomalous)
}

/// The name of a template: its exception and its text.
fn named(text: &str, exception: Option<&str>) -> String {
    let whole = exception.map_or_else(|| text.to_owned(), |exception| format!("{exception}: {text}"));
    whole.get(..whole.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;

//! All series that are asked for, and what becomes of points.

use std::collections::BTreeMap;

use crate::amount::Amount;
use crate::point::{Kind, Metric, Point, Points, Resource, Temporality, Value};
use crate::query::Query;
use crate::series::{Sample, Series};
use crate::source::Sources;
use crate::{AHEAD_MAX, ATTRIBUTES_MAX, KEPT, SERIES_MAX, TEXT_BYTES_MAX, ns};

type Attributes = BTreeMap<String, String>;

/// What becomes of a point.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    /// It is kept.
    Taken,
    /// No query asks for it.
    Unasked,
    /// It came already.
    Repeated,
    /// A later one of its series came before.
    Late,
    /// It says that its series has ended.
    NoValue,
    /// It is of a start before that of its series: two processes report as one.
    OtherWriter,
    /// It is too old, or ahead of the clock.
    OutOfTime,
    /// It is of a kind, or has attributes, that are not read.
    Unsupported,
    /// Its value is no number, or its buckets do not fit.
    BadValue,
    /// As many series as can be are kept.
    TooManySeries,
    /// More than one request may hold.
    Overflow,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Taken,
        Self::Unasked,
        Self::Repeated,
        Self::Late,
        Self::NoValue,
        Self::OtherWriter,
        Self::OutOfTime,
        Self::Unsupported,
        Self::BadValue,
        Self::TooManySeries,
        Self::Overflow,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Unasked => "unasked",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::NoValue => "no_value",
            Self::OtherWriter => "other_writer",
            Self::OutOfTime => "out_of_time",
            Self::Unsupported => "unsupported",
            Self::BadValue => "bad_value",
            Self::TooManySeries => "too_many_series",
            Self::Overflow => "overflow",
        }
    }

    /// What the sender is told of points that are not taken as they were meant. `None`: it is fine.
    #[must_use]
    pub const fn complaint(self) -> Option<&'static str> {
        match self {
            Self::OtherWriter => Some(
                "started before others of the same series: give each process a service.instance.id of its own",
            ),
            Self::OutOfTime => Some("are older than 600 s or more than 60 s ahead: set the clock"),
            Self::Unsupported => {
                Some("are of a kind, a temporality or have attributes that are not read, or more than 64")
            }
            Self::BadValue => {
                Some("have a value that is no number, or buckets that do not fit, or more than 64")
            }
            Self::TooManySeries => Some("are of new series, and no more than 1000 are kept: ask for fewer"),
            Self::Overflow => Some("are more than one request may hold: send smaller batches"),
            Self::Taken | Self::Unasked | Self::Repeated | Self::Late | Self::NoValue => None,
        }
    }

    /// Whether its series may be older than it looks later.
    const fn loses(self) -> bool {
        match self {
            Self::OtherWriter
            | Self::OutOfTime
            | Self::Unsupported
            | Self::BadValue
            | Self::TooManySeries => true,
            Self::Taken | Self::Unasked | Self::Repeated | Self::Late | Self::NoValue | Self::Overflow => {
                false
            }
        }
    }
}

/// What tells a series from others of the same metric.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Identity {
    resource: Attributes,
    scope: String,
    attributes: Attributes,
}

/// The series that are asked for.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// What is asked of a metric, and since when.
    asked: BTreeMap<String, BTreeMap<Attributes, u64>>,
    series: BTreeMap<String, BTreeMap<Identity, Series>>,
    kept: usize,
    pub(crate) sources: Sources,
}

impl Store {
    /// Series that are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.kept
    }

    /// Whether none is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// Takes over what is asked for at `now_ns`: what nobody asks for any more is forgotten.
    pub fn ask<'a>(&mut self, queries: impl IntoIterator<Item = &'a Query>, now_ns: u64) {
        let mut asked: BTreeMap<String, BTreeMap<Attributes, u64>> = BTreeMap::new();
        for query in queries {
            let since = self.asked_since(query).unwrap_or(now_ns);
            asked.entry(query.metric.clone()).or_default().insert(query.matching.clone(), since);
        }
        self.asked = asked;
        self.forget(now_ns);
    }

    /// Forgets what nobody asks for, and what is silent for long.
    fn forget(&mut self, now_ns: u64) {
        let Self { asked, series, sources, .. } = self;
        for (metric, all) in series.iter_mut() {
            let asked = asked.get(metric);
            all.retain(|identity, one| {
                let is_asked = asked.is_some_and(|asked| asked.keys().any(|wanted| identity.has(wanted)));
                let is_silent = one.last_ns().saturating_add(ns(KEPT)) < now_ns;
                if is_silent {
                    sources.lose(&identity.resource);
                }
                is_asked && !is_silent
            });
        }
        series.retain(|_, all| !all.is_empty());
        self.kept = series.values().map(BTreeMap::len).sum();
        sources.forget(now_ns);
    }

    pub(crate) fn asked_since(&self, query: &Query) -> Option<u64> {
        self.asked.get(&query.metric)?.get(&query.matching).copied()
    }

    pub(crate) fn matching<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Series> {
        let all = self.series.get(&query.metric).into_iter().flatten();
        all.filter(|(identity, _)| identity.has(&query.matching)).map(|(_, series)| series)
    }

    /// Takes the points of a request that came at `now_ns`. Says what became of them.
    pub fn take(&mut self, points: Points<'_>, now_ns: u64) -> BTreeMap<Fate, u64> {
        self.forget(now_ns);
        let mut fates = BTreeMap::new();
        if points.beyond_bound > 0 {
            fates.insert(Fate::Overflow, points.beyond_bound);
        }
        for resource in points.resources {
            self.take_of(resource, now_ns, &mut fates);
        }
        fates
    }

    fn take_of(&mut self, resource: Resource<'_>, now_ns: u64, fates: &mut BTreeMap<Fate, u64>) {
        let Some(attributes) = attributes(resource.attributes) else {
            let metrics = resource.scopes.iter().flat_map(|scope| &scope.metrics);
            *fates.entry(Fate::Unsupported).or_default() +=
                metrics.map(|one| one.points.len() as u64).sum::<u64>();
            return;
        };
        let points =
            resource.scopes.iter().flat_map(|scope| &scope.metrics).flat_map(|metric| &metric.points);
        let times = points.map(|point| point.time_ns).filter(|time| is_in_time(*time, now_ns));
        if let Some((oldest, newest)) = times.clone().min().zip(times.max()) {
            self.sources.see(&attributes, oldest, newest);
        }
        for scope in resource.scopes {
            for metric in scope.metrics {
                let Metric { name, kind, points } = metric;
                for point in points {
                    let fate = self.take_point(&attributes, &scope.name, (&name, kind), point, now_ns);
                    if fate.loses() {
                        self.sources.lose(&attributes);
                    }
                    *fates.entry(fate).or_default() += 1;
                }
            }
        }
    }

    fn take_point(
        &mut self,
        resource: &Attributes,
        scope: &str,
        (metric, kind): (&str, Kind),
        point: Point<'_>,
        now_ns: u64,
    ) -> Fate {
        let Some(asked) = self.asked.get(metric) else { return Fate::Unasked };
        let Point { start_ns, time_ns, attributes: own, has_other_attributes, value } = point;
        let Some(own) = attributes(own).filter(|_| !has_other_attributes && is_read(kind)) else {
            return Fate::Unsupported;
        };
        let identity = Identity { resource: resource.clone(), scope: scope.to_owned(), attributes: own };
        let since = asked.iter().filter(|(wanted, _)| identity.has(wanted)).map(|(_, since)| *since).min();
        let Some(since) = since else { return Fate::Unasked };
        if !is_in_time(time_ns, now_ns) || start_ns > time_ns {
            return Fate::OutOfTime;
        }
        let Ok(amount) = amount(kind, value) else { return Fate::BadValue };
        let all = self.series.entry(metric.to_owned()).or_default();
        if !all.contains_key(&identity) {
            if amount.is_none() {
                return Fate::NoValue;
            }
            if self.kept >= SERIES_MAX {
                return Fate::TooManySeries;
            }
            self.kept += 1;
        }
        let absent = self.sources.before(&identity.resource, time_ns);
        let series = all.entry(identity).or_insert_with(|| Series::new(kind, since));
        if series.kind() != kind {
            return Fate::Unsupported;
        }
        series.take(Sample { start_ns, time_ns, amount }, absent)
    }
}

impl Identity {
    /// Whether it has all of these attributes, of its own or of its resource.
    fn has(&self, wanted: &Attributes) -> bool {
        wanted
            .iter()
            .all(|(name, value)| self.attributes.get(name).or_else(|| self.resource.get(name)) == Some(value))
    }
}

fn is_in_time(time_ns: u64, now_ns: u64) -> bool {
    (now_ns.saturating_sub(ns(KEPT))..=now_ns.saturating_add(ns(AHEAD_MAX))).contains(&time_ns)
}

/// `None`: there are too many, or some are too long.
fn attributes<'a>(pairs: Vec<(std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>) -> Option<Attributes> {
    let is_short = |text: &str| text.len() <= TEXT_BYTES_MAX;
    let fits =
        pairs.len() <= ATTRIBUTES_MAX && pairs.iter().all(|(name, value)| is_short(name) && is_short(value));
    fits.then(|| pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

const fn is_read(kind: Kind) -> bool {
    match kind {
        Kind::Gauge => true,
        Kind::Sum { temporality, .. } | Kind::Histogram(temporality) => {
            !matches!(temporality, Temporality::Unspecified)
        }
        Kind::Other => false,
    }
}

struct BadValue;

/// `None`: there is no value, which the point says.
fn amount(kind: Kind, value: Value) -> Result<Option<(Amount, Vec<f64>)>, BadValue> {
    let fits = match (&value, kind) {
        (Value::Absent, _) => return Ok(None),
        (Value::Number(number), Kind::Sum { is_monotonic: true, .. }) => *number >= 0.0,
        (Value::Number(_), Kind::Gauge | Kind::Sum { .. }) | (Value::Histogram(_), Kind::Histogram(_)) => {
            true
        }
        (Value::Number(_) | Value::Histogram(_), _) => false,
    };
    Amount::of(value).filter(|_| fits).map(Some).ok_or(BadValue)
}

//! In which component of its service's plan a span ran.
//!
//! The filter's own matcher is out of reach here, since filter and control plane never depend on each other. So this asks the
//! same question of less: the same matches and the same order of them, but of a request only its method and path, or the
//! route as a pattern. Where a match that would take precedence asks for what a span does not tell, the component is not known.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serin_proto::assignment::raw::{Component, Match, Path, Service};

/// A component of a service.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Spot {
    pub(crate) service: String,
    pub(crate) component: String,
}

/// What a span tells of where it ran.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told<'a> {
    /// The route of the application, like `/orders/{id}`, or its name.
    pub(crate) route: Option<&'a str>,
    /// The path of the request, without its query.
    pub(crate) path: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
}

/// The components of all services, by their plans.
#[derive(Debug, Default)]
pub(crate) struct Places<'a>(BTreeMap<&'a str, (&'a Service, OnceCell<Components<'a>>)>);

/// The components of one service.
#[derive(Debug)]
pub(crate) struct Components<'a> {
    spots: Vec<Arc<Spot>>,
    /// With the position of their component, the most specific first.
    matches: Vec<(usize, &'a Match)>,
}

impl<'a> Places<'a> {
    pub(crate) fn of(services: &'a [Service]) -> Self {
        let of = |service: &'a Service| (service.name.as_str(), (service, OnceCell::new()));
        Self(services.iter().map(of).collect())
    }

    /// Those of one service, which are looked at when a span needs them.
    pub(crate) fn service(&self, name: &str) -> Option<&Components<'a>> {
        self.0.get(name).map(|(service, components)| components.get_or_init(|| Components::of(service)))
    }
}

impl<'a> Components<'a> {
    fn of(service: &'a Service) -> Self {
        let spot = |component: &Component| {
            Arc::new(Spot { service: service.name.clone(), component: component.name.clone() })
        };
        let all = service.components.iter().enumerate();
        let mut matches: Vec<(usize, &Match)> =
            all.flat_map(|(at, one)| one.matches.iter().map(move |one| (at, one))).collect();
        matches.sort_by_key(|(_, one)| (specificity(one.path.as_ref()), Reverse(conditions(one))));
        Self { spots: service.components.iter().map(spot).collect(), matches }
    }

    pub(crate) fn named(&self, name: &str) -> Option<Arc<Spot>> {
        self.spots.iter().find(|spot| spot.component == name).cloned()
    }

    /// The component of a span that serves a request. `None`: none, or it cannot be told.
    pub(crate) fn serving(&self, told: &Told<'_>) -> Option<Arc<Spot>> {
        let named = told.route.and_then(|route| self.named(route));
        let path = || told.path.and_then(|path| self.at(path, &literal(path)?, told.method));
        let route = || {
            let (route, pattern) = (told.route?, pattern(told.route?)?);
            self.like(&pattern, told.method).or_else(|| self.at(route, &pattern, told.method))
        };
        named.or_else(path).or_else(route)
    }

    /// The component of the first match whose path is this very pattern.
    fn like(&self, pattern: &[Segment<'_>], method: Option<&str>) -> Option<Arc<Spot>> {
        let is_like = |one: &Match| match &one.path {
            Some(Path::Template(path) | Path::Exact(path)) => {
                segments(path).map(of_template).eq(pattern.iter().copied())
            }
            Some(Path::Prefix(_)) | None => false,
        };
        let mut matches = self.matches.iter();
        let (component, _) = matches.find(|(_, one)| is_like(one) && others(one, method) == Takes::Yes)?;
        self.spots.get(*component).cloned()
    }

    /// The component of the first match that takes the path, unless one before it that is of another may.
    fn at(&self, whole: &str, path: &[Segment<'_>], method: Option<&str>) -> Option<Arc<Spot>> {
        let mut perhaps = None;
        for (component, one) in &self.matches {
            match takes(one.path.as_ref(), whole, path).and(others(one, method)) {
                Takes::No => {}
                Takes::Yes if perhaps.is_none_or(|other| other == component) => {
                    return self.spots.get(*component).cloned();
                }
                Takes::Perhaps if perhaps.is_none_or(|other| other == component) => perhaps = Some(component),
                Takes::Yes | Takes::Perhaps => return None,
            }
        }
        None
    }
}

/// Lower is more specific, as the filter ranks matches.
fn specificity(path: Option<&Path>) -> (u8, Reverse<usize>) {
    match path {
        Some(Path::Exact(_)) => (0, Reverse(0)),
        Some(Path::Template(template)) => {
            let literal = segments(template).filter(|segment| !is_any(segment)).count();
            (1, Reverse(literal))
        }
        Some(Path::Prefix(prefix)) => (2, Reverse(open(prefix).len())),
        None => (3, Reverse(0)),
    }
}

/// A prefix ends with a whole segment.
fn open(prefix: &str) -> &str {
    prefix.strip_suffix('/').unwrap_or(prefix)
}

fn conditions(one: &Match) -> usize {
    one.headers.len()
        + usize::from(!one.methods.is_empty())
        + usize::from(!one.hosts.is_empty())
        + usize::from(one.route_name.is_some())
}

/// Whether a match takes a request of which not all is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    Yes,
    Perhaps,
    No,
}

impl Takes {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::Perhaps, _) | (_, Self::Perhaps) => Self::Perhaps,
        }
    }
}

/// A segment of a path or of a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Segment<'a> {
    Literal(&'a str),
    /// Any text that is not empty.
    Any,
}

fn of_template(segment: &str) -> Segment<'_> {
    if is_any(segment) { Segment::Any } else { Segment::Literal(segment) }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|inner| inner.split('/'))
}

/// A path as it came. `None`: it does not begin with a slash.
fn literal(path: &str) -> Option<Vec<Segment<'_>>> {
    path.starts_with('/').then(|| segments(path).map(Segment::Literal).collect())
}

/// A route in the spelling of some framework: `{id}`, `:id`, `<id>` are any segment. `None`: it is no such pattern.
fn pattern(route: &str) -> Option<Vec<Segment<'_>>> {
    let segment = |text| {
        if is_any(text) || is_like(text, "<", ">") || (text.len() > 1 && text.starts_with(':')) {
            Some(Segment::Any)
        } else {
            (!text.contains(['{', '}', '<', '>', '*', '(', '['])).then_some(Segment::Literal(text))
        }
    };
    if route.starts_with('/') { segments(route).map(segment).collect() } else { None }
}

fn is_any(segment: &str) -> bool {
    is_like(segment, "{", "}")
}

fn is_like(segment: &str, begin: &str, end: &str) -> bool {
    let inner = segment.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    inner.is_some_and(|name| !name.is_empty() && !name.contains(['*', '{', '}', '<', '>']))
}

/// What a match says of everything but the path.
fn others(one: &Match, method: Option<&str>) -> Takes {
    let by_method = match method {
        _ if one.methods.is_empty() => Takes::Yes,
        Some(method) if one.methods.iter().any(|known| known == method) => Takes::Yes,
        Some(_) => Takes::No,
        None => Takes::Perhaps,
    };
    let is_told = one.hosts.is_empty() && one.headers.is_empty() && one.route_name.is_none();
    by_method.and(if is_told { Takes::Yes } else { Takes::Perhaps })
}

fn takes(path: Option<&Path>, whole: &str, given: &[Segment<'_>]) -> Takes {
    match path {
        None => Takes::Yes,
        Some(Path::Exact(exact)) if !given.contains(&Segment::Any) => {
            if exact == whole {
                Takes::Yes
            } else {
                Takes::No
            }
        }
        Some(Path::Exact(path)) => follows(segments(path).map(Segment::Literal), given, true),
        Some(Path::Prefix(prefix)) => follows(segments(open(prefix)).map(Segment::Literal), given, false),
        Some(Path::Template(template)) => follows(segments(template).map(of_template), given, true),
    }
}

/// Whether what is given follows a pattern, segment by segment, to its end or beyond.
fn follows<'p>(pattern: impl Iterator<Item = Segment<'p>>, given: &[Segment<'_>], to_its_end: bool) -> Takes {
    let (mut takes, mut given) = (Takes::Yes, given.iter());
    for segment in pattern {
        takes = takes.and(match (segment, given.next()) {
            (_, None) | (Segment::Any, Some(Segment::Literal(""))) => Takes::No,
            (Segment::Any, Some(_)) => Takes::Yes,
            (Segment::Literal(text), Some(Segment::Literal(other))) if text == *other => Takes::Yes,
            (Segment::Literal(""), Some(Segment::Any)) | (Segment::Literal(_), Some(Segment::Literal(_))) => {
                Takes::No
            }
            (Segment::Literal(_), Some(Segment::Any)) => Takes::Perhaps,
        });
        if takes == Takes::No {
            return Takes::No;
        }
    }
    if to_its_end && given.next().is_some() { Takes::No } else { takes }
}

#[cfg(test)]
pub(super) mod tests;

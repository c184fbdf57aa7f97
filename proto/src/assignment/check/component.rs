//! Rules about components and what they match.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{self, join};
use super::{AssignmentError, Checked, Rule, bounds, service};
use crate::assignment::raw;
use crate::assignment::types::{Block, Component, Match, PathPattern, Segment};

pub(super) fn check_all(field: &str, raw: Vec<raw::Component>, arms: &[String]) -> Checked<Vec<Component>> {
    let mut names = BTreeSet::new();
    let mut seen: BTreeMap<Match, String> = BTreeMap::new();
    let mut components = Vec::with_capacity(raw.len());
    for (index, component) in raw.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        let component = check(&field, component, arms)?;
        if !names.insert(component.name.clone()) {
            return Err(AssignmentError::new(join(&field, "name"), Rule::Duplicate { name: component.name }));
        }
        for (index, rule) in component.matches.iter().enumerate() {
            if let Some(other) = seen.insert(rule.shape(), component.name.clone()) {
                let name = format!("the match of component {other}");
                return Err(AssignmentError::new(
                    format!("{field}.matches[{index}]"),
                    Rule::Duplicate { name },
                ));
            }
        }
        components.push(component);
    }
    Ok(components)
}

impl Match {
    /// The match with template names taken out: two matches of one shape take the same requests.
    fn shape(&self) -> Self {
        let mut shape = self.clone();
        if let Some(PathPattern::Template(segments)) = &mut shape.path {
            for segment in segments {
                if let Segment::Any(name) = segment {
                    name.clear();
                }
            }
        }
        shape
    }
}

fn check(field: &str, raw: raw::Component, arms: &[String]) -> Checked<Component> {
    text::component_name(&join(field, "name"), &raw.name)?;
    let matches_field = join(field, "matches");
    text::at_most(&matches_field, raw.matches.len(), bounds::MATCHES)?;
    if raw.matches.is_empty() {
        return Err(AssignmentError::new(matches_field, Rule::Empty));
    }
    let matches = raw
        .matches
        .into_iter()
        .enumerate()
        .map(|(index, rule)| check_match(&format!("{matches_field}[{index}]"), rule))
        .collect::<Checked<Vec<_>>>()?;
    let pinned = raw.pinned.map(|name| service::arm(&join(field, "pinned"), &name, arms)).transpose()?;
    let blocks = blocks(&join(field, "blocks"), raw.blocks)?;
    Ok(Component { name: raw.name, matches, granularity: raw.granularity, pinned, blocks })
}

fn blocks(field: &str, raw: Vec<raw::Block>) -> Checked<Vec<Block>> {
    text::at_most(field, raw.len(), bounds::BLOCKS)?;
    let mut names = BTreeSet::new();
    let mut blocks = Vec::with_capacity(raw.len());
    for (index, raw::Block { name, restored, everywhere }) in raw.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        text::name(&join(&field, "name"), &name)?;
        if let Some(version) = &restored {
            text::version(&join(&field, "restored"), version)?;
        }
        if !names.insert(name.clone()) {
            return Err(AssignmentError::new(join(&field, "name"), Rule::Duplicate { name }));
        }
        blocks.push(Block { name, restored, everywhere });
    }
    Ok(blocks)
}

fn check_match(field: &str, raw: raw::Match) -> Checked<Match> {
    if raw == raw::Match::default() {
        return Err(AssignmentError::new(field, Rule::Empty));
    }
    let hosts = text::hosts(&join(field, "hosts"), &raw.hosts)?;
    text::at_most(&join(field, "methods"), raw.methods.len(), bounds::MATCHES)?;
    text::at_most(&join(field, "headers"), raw.headers.len(), bounds::MATCHES)?;
    let methods = raw.methods.into_iter().enumerate();
    let methods = text::sorted(
        methods.map(|(index, method)| text::method(&format!("{field}.methods[{index}]"), method)),
    )?;
    let path = raw.path.map(|raw| path(&join(field, "path"), raw)).transpose()?;
    let headers = text::sorted(raw.headers.iter().enumerate().map(|(index, header)| {
        let field = format!("{field}.headers[{index}]");
        Ok((text::header_name(&join(&field, "name"), &header.name)?, text::header_value(&field, header)?))
    }))?;
    if let Some(name) = &raw.route_name {
        text::printable(&join(field, "route_name"), name)?;
    }
    Ok(Match { hosts, methods, path, headers, route_name: raw.route_name })
}

fn path(field: &str, raw: raw::Path) -> Checked<PathPattern> {
    match raw {
        raw::Path::Exact(path) => {
            absolute(&join(field, "exact"), &path)?;
            Ok(PathPattern::Exact(path))
        }
        raw::Path::Prefix(path) => {
            absolute(&join(field, "prefix"), &path)?;
            Ok(PathPattern::Prefix(path.strip_suffix('/').unwrap_or(&path).to_owned()))
        }
        raw::Path::Template(path) => template(&join(field, "template"), &path),
    }
}

fn absolute(field: &str, path: &str) -> Checked<()> {
    text::printable(field, path)?;
    if path.starts_with('/') && !path.contains(['?', '#']) {
        Ok(())
    } else {
        Err(text::form(field, path, "a path that begins with '/' and has no query"))
    }
}

fn template(field: &str, path: &str) -> Checked<PathPattern> {
    absolute(field, path)?;
    let segments = path
        .split('/')
        .skip(1)
        .map(|segment| {
            let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match inner {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => {
                    Ok(Segment::Any(name.to_owned()))
                }
                None if !segment.contains(['{', '}']) => Ok(Segment::Literal(segment.to_owned())),
                Some(_) | None => {
                    Err(text::form(field, path, "a template whose segments are text or '{name}'"))
                }
            }
        })
        .collect::<Checked<Vec<_>>>()?;
    text::at_most(field, segments.len(), bounds::SEGMENTS)?;
    if segments.iter().any(|segment| matches!(segment, Segment::Any(_))) {
        Ok(PathPattern::Template(segments))
    } else {
        Err(text::form(field, path, "a template with at least one '{name}'; use exact"))
    }
}

//! From the YAML form to the checked release.

use std::collections::{BTreeMap, BTreeSet};

use serin_rollout::yaml::{self, Misshapen, Places};

use super::error::{ReleaseError, ReleaseErrors, ReleaseRule};
use super::{Entry, FileArtifact, Release, ReleaseFile, raw};
use crate::artifact::ContentKind;
use crate::bounds;
use crate::name::{Subject, Version};

pub(super) fn parse(text: &str) -> Result<ReleaseFile, ReleaseErrors> {
    let whole = |rule, (line, column), field| ReleaseErrors(vec![ReleaseError { field, rule, line, column }]);
    if text.len() > bounds::YAML_BYTES {
        return Err(whole(ReleaseRule::TooLong { limit: bounds::YAML_BYTES }, (0, 0), String::new()));
    }
    let raw = yaml::read(text).map_err(|Misshapen { field, message, place }| {
        whole(ReleaseRule::Syntax { message }, place, field)
    })?;
    let mut findings = Findings { places: Places::of(text), errors: Vec::new(), fields: BTreeMap::new() };
    let entries = findings.release(raw);
    let Findings { places, mut errors, fields } = findings;
    errors.sort_by_key(|error| (error.line, error.column));
    if !errors.is_empty() {
        return Err(ReleaseErrors(errors));
    }
    // All that can be wrong with the whole was found field by field.
    let release = Release::new(entries).map_err(|invalid| {
        whole(ReleaseRule::Syntax { message: invalid.to_string() }, (0, 0), String::new())
    })?;
    Ok(ReleaseFile { release, fields, places })
}

/// What was found wrong so far.
struct Findings {
    places: Places,
    errors: Vec<ReleaseError>,
    fields: BTreeMap<Subject, String>,
}

impl Findings {
    fn add(&mut self, field: &str, rule: impl Into<ReleaseRule>) {
        let (line, column) = self.places.find(field);
        self.errors.push(ReleaseError { field: field.to_owned(), rule: rule.into(), line, column });
    }

    /// `None`, after noting why, for what breaks a rule.
    fn note<T>(&mut self, field: &str, checked: Result<T, impl Into<ReleaseRule>>) -> Option<T> {
        checked.map_err(|rule| self.add(field, rule)).ok()
    }

    /// The versions, as far as nothing is wrong with them.
    fn release(&mut self, raw: raw::Release) -> Vec<Entry<FileArtifact>> {
        let application = self.note("application", Subject::application(&raw.application));
        let version = self.note("version", raw.version.parse::<Version>());
        let artifact = self.artifact("artifact", raw.artifact);
        let count =
            1 + raw.components.len() + raw.components.iter().map(|one| one.blocks.len()).sum::<usize>();
        if count > bounds::ENTRIES {
            self.add("components", ReleaseRule::TooLong { limit: bounds::ENTRIES });
        }
        let mut entries = Vec::new();
        entries.extend(entry(application.clone(), version.clone(), artifact));
        let mut named = BTreeSet::new();
        for (index, component) in raw.components.into_iter().enumerate() {
            let field = format!("components[{index}]");
            let raw::Component { name, version: label, artifact, blocks } = component;
            let parent = self.subject(&field, application.as_ref(), &name, &mut named);
            let own = self.version(&field, label, version.as_ref());
            let artifact = self.artifact(&format!("{field}.artifact"), artifact);
            entries.extend(entry(parent.clone(), own, artifact));
            self.blocks(&field, parent.as_ref(), version.as_ref(), blocks, &mut entries);
        }
        entries
    }

    fn blocks(
        &mut self,
        component: &str,
        parent: Option<&Subject>,
        version: Option<&Version>,
        blocks: Vec<raw::Block>,
        entries: &mut Vec<Entry<FileArtifact>>,
    ) {
        let mut named = BTreeSet::new();
        for (index, raw::Block { name, version: label, artifact }) in blocks.into_iter().enumerate() {
            let field = format!("{component}.blocks[{index}]");
            let subject = self.subject(&field, parent, &name, &mut named);
            let own = self.version(&field, label, version);
            let artifact = self.artifact(&format!("{field}.artifact"), artifact);
            entries.extend(entry(subject, own, artifact));
        }
    }

    fn subject(
        &mut self,
        field: &str,
        parent: Option<&Subject>,
        name: &str,
        named: &mut BTreeSet<String>,
    ) -> Option<Subject> {
        let (whole, field) = (field, format!("{field}.name"));
        if !named.insert(name.to_owned()) {
            self.add(&field, ReleaseRule::Twice { name: name.chars().take(64).collect() });
            return None;
        }
        match parent {
            Some(parent) => {
                let subject = self.note(&field, parent.within(name))?;
                self.fields.insert(subject.clone(), whole.to_owned());
                Some(subject)
            }
            // What it is in has a name that is wrong; its own is checked all the same.
            None => {
                self.note::<Subject>(&field, Subject::application(name));
                None
            }
        }
    }

    fn version(&mut self, field: &str, label: Option<String>, default: Option<&Version>) -> Option<Version> {
        match label {
            Some(label) => self.note(&format!("{field}.version"), label.parse::<Version>()),
            None => default.cloned(),
        }
    }

    fn artifact(&mut self, field: &str, raw: Option<raw::Artifact>) -> Option<FileArtifact> {
        let (kind, path) = match raw? {
            raw::Artifact::Image(image) => {
                return self.note(&format!("{field}.image"), image.parse()).map(FileArtifact::Image);
            }
            raw::Artifact::Wasm(path) => (ContentKind::Wasm, path),
            raw::Artifact::Config(path) => (ContentKind::Config, path),
            raw::Artifact::Script(path) => (ContentKind::Script, path),
            raw::Artifact::Source(path) => (ContentKind::Source, path),
        };
        let field = format!("{field}.{}", kind.name());
        if path.is_empty() {
            self.add(&field, ReleaseRule::Empty);
        } else if path.len() > bounds::PATH_BYTES {
            self.add(&field, ReleaseRule::TooLong { limit: bounds::PATH_BYTES });
        }
        Some(FileArtifact::File { kind, path, field })
    }
}

fn entry(
    subject: Option<Subject>,
    version: Option<Version>,
    artifact: Option<FileArtifact>,
) -> Option<Entry<FileArtifact>> {
    Some(Entry { subject: subject?, version: version?, artifact })
}

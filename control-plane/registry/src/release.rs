//! A release: one version of an application, with the versions of its components and blocks.

mod check;
mod error;
mod raw;

use std::collections::{BTreeMap, BTreeSet};

use serin_rollout::yaml::Places;

pub use error::{ReleaseError, ReleaseErrors, ReleaseRule};

use crate::artifact::{Artifact, ContentKind, ImageReference};
use crate::bounds;
use crate::name::{Kind, Subject, Version};

/// One version of an application and of what it consists of.
///
/// The application comes first, everything else is inside it and named once, and each block follows its component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release<A = Artifact> {
    application: Entry<A>,
    parts: Vec<Entry<A>>,
}

/// One version in a release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry<A = Artifact> {
    /// What it is a version of.
    pub subject: Subject,
    /// Its label.
    pub version: Version,
    /// What it carries. `None`: only its name.
    pub artifact: Option<A>,
}

/// A release as a file says it: its artifacts are still files.
#[derive(Debug)]
pub struct ReleaseFile {
    release: Release<FileArtifact>,
    /// The field of each component and block, for example `components[0].blocks[1]`.
    fields: BTreeMap<Subject, String>,
    places: Places,
}

/// An artifact as a file names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileArtifact {
    /// An image, by reference.
    Image(ImageReference),
    /// Content, by the path of a file.
    File {
        /// What it is for.
        kind: ContentKind,
        /// Where it is, relative to the release's file.
        path: String,
        /// The field that says so, for example `components[0].artifact.source`.
        field: String,
    },
}

/// Versions that are no release.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRelease {
    /// No version of an application to begin with.
    #[error("versions[0].subject: must be an application")]
    NoApplication,
    /// Too many versions.
    #[error("versions: exceed the limit of {}", bounds::ENTRIES)]
    TooMany,
    /// Something of another application, or without what it is in.
    #[error("versions[{index}].subject: must be within {application}, after what it is in; {subject} is not")]
    OutOfPlace {
        /// Which version.
        index: usize,
        /// What it is of.
        subject: Subject,
        /// The application.
        application: Subject,
    },
    /// Two versions of one thing.
    #[error("versions[{index}].subject: {subject} is named twice")]
    Twice {
        /// Which version.
        index: usize,
        /// What it is of.
        subject: Subject,
    },
}

impl<A> Release<A> {
    /// A release of `entries`, the application's first.
    ///
    /// # Errors
    /// When they are not one application and what it consists of.
    pub fn new(entries: Vec<Entry<A>>) -> Result<Self, InvalidRelease> {
        if entries.len() > bounds::ENTRIES {
            return Err(InvalidRelease::TooMany);
        }
        let mut entries = entries.into_iter();
        let application = entries.next().filter(|first| first.subject.kind() == Kind::Application);
        let application = application.ok_or(InvalidRelease::NoApplication)?;
        let mut named = BTreeSet::from([application.subject.clone()]);
        let parts: Vec<_> = entries.collect();
        for (index, Entry { subject, .. }) in (1..).zip(&parts) {
            let subject = subject.clone();
            if named.contains(&subject) {
                return Err(InvalidRelease::Twice { index, subject });
            }
            if !subject.parent().is_some_and(|parent| named.contains(&parent)) {
                let application = application.subject;
                return Err(InvalidRelease::OutOfPlace { index, subject, application });
            }
            named.insert(subject);
        }
        Ok(Self { application, parts })
    }

    /// The application's version.
    #[must_use]
    pub const fn application(&self) -> &Entry<A> {
        &self.application
    }

    /// The versions of components and blocks.
    #[must_use]
    pub fn parts(&self) -> &[Entry<A>] {
        &self.parts
    }

    /// All versions, the application's first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<A>> {
        std::iter::once(&self.application).chain(&self.parts)
    }

    /// The same release with other artifacts.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<B, E>(self, mut convert: impl FnMut(A) -> Result<B, E>) -> Result<Release<B>, E> {
        let mut entry = |Entry { subject, version, artifact }: Entry<A>| {
            Ok(Entry { subject, version, artifact: artifact.map(&mut convert).transpose()? })
        };
        let application = entry(self.application)?;
        let parts = self.parts.into_iter().map(entry).collect::<Result<_, E>>()?;
        Ok(Release { application, parts })
    }
}

impl ReleaseFile {
    /// Parses YAML text.
    ///
    /// # Errors
    /// All that is wrong. What is not YAML or not of the right shape ends the search, so it is reported alone.
    pub fn parse(yaml: &str) -> Result<Self, ReleaseErrors> {
        check::parse(yaml)
    }

    /// What it says.
    #[must_use]
    pub fn release(&self) -> &Release<FileArtifact> {
        &self.release
    }

    /// The field that gives a version its label, for example `components[0].version`. `None`: the release has no such subject.
    #[must_use]
    pub fn version_field(&self, subject: &Subject) -> Option<String> {
        if *subject == self.release.application().subject {
            return Some("version".to_owned());
        }
        self.fields.get(subject).map(|field| format!("{field}.version"))
    }

    /// Line and column of a field, or of the closest one around it that was written, from 1. `(0, 0)`: not known.
    #[must_use]
    pub fn place(&self, field: &str) -> (u32, u32) {
        self.places.find(field)
    }

    /// What it says, by value.
    #[must_use]
    pub fn into_release(self) -> Release<FileArtifact> {
        self.release
    }
}

/// JSON Schema of the YAML form.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::Release).to_value()
}

#[cfg(test)]
mod tests;

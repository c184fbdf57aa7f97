//! What a version carries.

use std::fmt;
use std::str::FromStr;

use crate::bounds::IMAGE_BYTES;
use crate::digest::Digest;

/// What a version carries: a reference to something that is kept elsewhere, or content that is kept here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Artifact {
    /// A container image in a registry of images.
    Image(ImageReference),
    /// Content in the artifact store.
    Content(Content),
}

/// A reference to a container image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImageReference(String);

/// Content by its digest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Content {
    /// What it is for.
    pub kind: ContentKind,
    /// Its name in the artifact store.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// The path under which it was registered, for people. Not part of what the version is.
    pub path: String,
}

/// What a content is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentKind {
    /// Configuration.
    Config,
    /// A script.
    Script,
    /// Source of a block of code.
    Source,
    /// A WASM module.
    Wasm,
}

/// A text that is no image reference.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an image reference: 1 to {IMAGE_BYTES} visible ASCII characters without spaces")]
pub struct NotAnImage;

/// A word that is no kind of content.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be config, script, source or wasm")]
pub struct NotAContentKind;

impl Artifact {
    /// What it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Content(content) => content.kind.name(),
        }
    }

    /// Its content, if it has one here.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Image(_) => None,
            Self::Content(content) => Some(content),
        }
    }

    /// True when both carry the same, under whatever path.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Image(one), Self::Image(other)) => one == other,
            (Self::Content(one), Self::Content(other)) => {
                one.kind == other.kind && one.digest == other.digest
            }
            (Self::Image(_), Self::Content(_)) | (Self::Content(_), Self::Image(_)) => false,
        }
    }
}

impl fmt::Display for Artifact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => write!(formatter, "image {image}"),
            Self::Content(content) => write!(formatter, "{} sha256:{}", content.kind.name(), content.digest),
        }
    }
}

impl ImageReference {
    /// The reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageReference {
    type Err = NotAnImage;

    fn from_str(text: &str) -> Result<Self, NotAnImage> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=IMAGE_BYTES).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnImage)
        }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl ContentKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Config, Self::Script, Self::Source, Self::Wasm];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Script => "script",
            Self::Source => "source",
            Self::Wasm => "wasm",
        }
    }
}

impl FromStr for ContentKind {
    type Err = NotAContentKind;

    fn from_str(word: &str) -> Result<Self, NotAContentKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == word).ok_or(NotAContentKind)
    }
}

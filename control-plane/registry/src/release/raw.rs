//! The YAML form of a release, before its rules are checked.

use schemars::JsonSchema;
use serde::Deserialize;

/// A release: one version of an application, with the versions of its components and blocks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    /// Name of the application, which is the name of its service in plans: letters, digits, '.', '_', '-', at most 64.
    pub(super) application: String,
    /// Label of this version, as in plans: visible ASCII without spaces, at most 128 bytes.
    pub(super) version: String,
    /// What this version carries. Absent: nothing but its name.
    #[serde(default)]
    pub(super) artifact: Option<Artifact>,
    /// Components of this version.
    #[serde(default)]
    pub(super) components: Vec<Component>,
}

/// A component of the application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReleaseComponent")]
pub(super) struct Component {
    /// Name, unique in the application, as in plans. Not `unmatched`, not `overflow`.
    pub(super) name: String,
    /// Label of its version. Default: the application's.
    #[serde(default)]
    pub(super) version: Option<String>,
    /// What this version carries. Absent: nothing but its name.
    #[serde(default)]
    pub(super) artifact: Option<Artifact>,
    /// Blocks of code in this component that can be returned to a previous version.
    #[serde(default)]
    pub(super) blocks: Vec<Block>,
}

/// A block of code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReleaseBlock")]
pub(super) struct Block {
    /// Name, unique in the component.
    pub(super) name: String,
    /// Label of its version. Default: the application's.
    #[serde(default)]
    pub(super) version: Option<String>,
    /// What this version carries. Absent: nothing but its name.
    #[serde(default)]
    pub(super) artifact: Option<Artifact>,
}

/// What a version carries: one of these. Paths are relative to this file; a file has at most 64 MiB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReleaseArtifact")]
pub(super) enum Artifact {
    /// Reference of a container image, at most 512 bytes. The image stays where it is.
    Image(String),
    /// Path of a WASM module.
    Wasm(String),
    /// Path of a configuration.
    Config(String),
    /// Path of a script.
    Script(String),
    /// Path of source text.
    Source(String),
}

//! Where artifacts are kept, and how long versions are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serin_registry::retention::Policy;
use serin_registry::store::{Key, S3, Secret};
use serin_rollout::plan::duration;

use super::{ConfigError, raw, read_of, text};

/// Versions of each subject that can be asked to be kept.
const KEEP_VERSIONS: (u32, u32) = (1, 1_000);
/// Longest time that can be asked for: ten years.
const KEEP_FOR_MAX: Duration = Duration::from_hours(10 * 365 * 24);

/// The registry of versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registry {
    /// Where artifacts are kept.
    pub store: ArtifactPlace,
    /// What is kept besides what is live or was before.
    pub policy: Policy,
}

/// Where artifacts are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ArtifactPlace {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of something that speaks S3.
    S3(S3),
}

impl Registry {
    pub(super) fn new(raw: raw::Registry, data: &Path, insecure: bool) -> Result<Self, ConfigError> {
        let raw::Registry { store, keep_versions, keep_for } = raw;
        let store = match store {
            None => ArtifactPlace::Folder(data.join("artifacts")),
            Some(raw::ArtifactPlace::Folder(folder)) if folder.as_os_str().is_empty() => {
                return Err(ConfigError::value("registry.store.folder", "must not be empty"));
            }
            Some(raw::ArtifactPlace::Folder(folder)) => ArtifactPlace::Folder(folder),
            Some(raw::ArtifactPlace::S3(raw)) => ArtifactPlace::S3(s3(raw, insecure)?),
        };
        if !(KEEP_VERSIONS.0..=KEEP_VERSIONS.1).contains(&keep_versions) {
            return Err(ConfigError::value("registry.keep_versions", "must be between 1 and 1000"));
        }
        let keep_for = duration(&keep_for).filter(|lasting| *lasting <= KEEP_FOR_MAX).ok_or_else(|| {
            ConfigError::value("registry.keep_for", "must be a duration such as 12h or 30d, at most 3650d")
        })?;
        let policy = Policy { keep_versions: usize::try_from(keep_versions).unwrap_or(usize::MAX), keep_for };
        Ok(Self { store, policy })
    }
}

fn s3(raw: raw::S3, insecure: bool) -> Result<S3, ConfigError> {
    let field = |name: &str| format!("registry.store.s3.{name}");
    text(&field("bucket"), &raw.bucket, 255)?;
    if !raw.bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
        return Err(ConfigError::value(field("bucket"), "must be letters, digits, '.', '-' or '_'"));
    }
    let prefix = raw.prefix.unwrap_or_default();
    let is_path = prefix.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !prefix.is_empty() && (prefix.len() > 512 || !is_path) {
        return Err(ConfigError::value(
            field("prefix"),
            "must be a path such as serin/main, at most 512 bytes",
        ));
    }
    if let Some(endpoint) = &raw.endpoint {
        reachable(&field("endpoint"), endpoint, insecure)?;
    }
    let key = match (raw.access_key_id, raw.secret_access_key_file) {
        (None, None) => None,
        (Some(id), Some(path)) => {
            text(&field("access_key_id"), &id, 256)?;
            let secret = read_of(field("secret_access_key_file"), &path)?.trim().to_owned();
            text(&field("secret_access_key_file"), &secret, 1_024)?;
            Some(Key { id, secret: Secret(secret) })
        }
        (Some(_), None) | (None, Some(_)) => {
            let rule =
                "access_key_id and secret_access_key_file go together; without both, the environment counts";
            return Err(ConfigError::value(field("access_key_id"), rule));
        }
    };
    let allow_http = raw.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    Ok(S3 { bucket: raw.bucket, prefix, region: raw.region, endpoint: raw.endpoint, key, allow_http })
}

/// An address with TLS, or one that stays on this machine.
fn reachable(field: &str, endpoint: &str, insecure: bool) -> Result<(), ConfigError> {
    let uri: Option<tonic::transport::Uri> = endpoint.parse().ok();
    let Some((scheme, host)) = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?))) else {
        return Err(ConfigError::value(field, "must be an https:// or http:// address"));
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_local =
        host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok(()),
        "http" if is_local || insecure => Ok(()),
        "http" => Err(ConfigError::value(field, "must be https:// beyond this machine, or say --insecure")),
        _ => Err(ConfigError::value(field, "must be an https:// or http:// address")),
    }
}

//! Opening a store: a folder, or a bucket of something that speaks S3.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use super::{ArtifactStore, DEADLINE, OpenError};

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a request that failed for a passing reason is repeated.
const RETRIES: usize = 5;

/// A bucket, and how it is reached. What is absent is taken from the environment (`AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on),
/// then from the machine's role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct S3 {
    /// Name of the bucket.
    pub bucket: String,
    /// Path within the bucket; empty: its root.
    pub prefix: String,
    /// Region.
    pub region: Option<String>,
    /// Address of the server. `None`: Amazon's.
    pub endpoint: Option<String>,
    /// Who asks.
    pub key: Option<Key>,
    /// True: `endpoint` may be without TLS.
    pub allow_http: bool,
}

/// An access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// Its public part.
    pub id: String,
    /// Its secret part.
    pub secret: Secret,
}

/// A text that is never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl ArtifactStore {
    /// Opens a folder, and makes it when missing. What a crash left half-written is removed; it was never an object.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn in_folder(folder: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        remove_unfinished(folder, 2).map_err(failed)?;
        let place = folder.display().to_string();
        let objects = LocalFileSystem::new_with_prefix(folder);
        let objects = objects.map_err(|source| OpenError::Settings { place: place.clone(), source })?;
        Ok(Self::of(Arc::new(objects.with_fsync(true)), place))
    }

    /// Prepares a bucket; it is asked for the first time when an artifact is.
    ///
    /// # Errors
    /// When something that is needed to reach it is missing or wrong.
    pub fn in_s3(s3: &S3) -> Result<Self, OpenError> {
        // The one that is there stays: all that counts is that there is one.
        let _is_there = rustls::crypto::ring::default_provider().install_default();
        let place = format!("s3://{}/{}", s3.bucket, s3.prefix).trim_end_matches('/').to_owned();
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&s3.bucket)
            .with_allow_http(s3.allow_http)
            .with_client_options(
                ClientOptions::new()
                    .with_connect_timeout(CONNECT)
                    .with_timeout(DEADLINE)
                    .with_allow_http(s3.allow_http),
            )
            .with_retry(RetryConfig {
                max_retries: RETRIES,
                retry_timeout: DEADLINE,
                ..RetryConfig::default()
            });
        if let Some(region) = &s3.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &s3.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(Key { id, secret }) = &s3.key {
            builder = builder.with_access_key_id(id).with_secret_access_key(&secret.0);
        }
        let objects =
            builder.build().map_err(|source| OpenError::Settings { place: place.clone(), source })?;
        let objects: Arc<dyn ObjectStore> = if s3.prefix.is_empty() {
            Arc::new(objects)
        } else {
            Arc::new(PrefixStore::new(objects, s3.prefix.as_str()))
        };
        Ok(Self::of(objects, place))
    }

    fn of(objects: Arc<dyn ObjectStore>, place: String) -> Self {
        Self { objects, place: place.into(), deadline: DEADLINE }
    }
}

/// Unfinished files carry a `#` in their name, which no object does. Looks so many folders deep.
fn remove_unfinished(folder: &Path, depth: u32) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                remove_unfinished(&entry.path(), depth - 1)?;
            }
        } else if entry.file_name().to_string_lossy().contains(".gz#") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

//! How a cluster is reached: by an access file as `kubectl` has one, or as a pod of the cluster.
//!
//! What would start a program, send a password, or not check the server's certificate is refused.

mod file;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serin_migrate::runner::Secret;
use serin_outside::{Identity, Roots, Url};

use super::cluster::Token;
use file::{Cluster, File, User};

/// How a cluster is reached.
#[derive(Debug)]
pub struct Access {
    /// Its API server.
    pub url: Url,
    /// Authorities that are believed. `None`: those of everything else.
    pub roots: Option<Roots>,
    /// Who we are, by a token.
    pub token: Option<Token>,
    /// Who we are, by a certificate.
    pub identity: Option<Identity>,
}

/// What a pod is given to reach its cluster.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Folder of `token` and `ca.crt`.
    pub folder: PathBuf,
    /// Value of `KUBERNETES_SERVICE_HOST`.
    pub host: Option<String>,
    /// Value of `KUBERNETES_SERVICE_PORT`.
    pub port: Option<String>,
}

/// Why an access file, or what a pod is given, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Not of the form.
    #[error("{}: {message}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        message: String,
    },
    /// A file that cannot be read, itself or one that it names.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// An entry that it names and does not hold.
    #[error("has no {kind} {name:?}")]
    Unknown {
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something that is needed.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something that is not done.
    #[error("{field} is not supported: {because}")]
    Refused {
        /// The field.
        field: &'static str,
        /// Why.
        because: &'static str,
    },
    /// A value that breaks a rule.
    #[error("{field}: {rule}")]
    Value {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: String,
    },
}

impl Access {
    /// By an access file, in its current context unless another one is named. Files that it names are relative to it.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn file(path: &Path, context: Option<&str>) -> Result<Self, AccessError> {
        let file: File = serde_saphyr::from_slice(&read(path)?).map_err(|error| AccessError::Form {
            path: path.to_owned(),
            message: error.without_snippet().to_string(),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = context.or(file.current_context.as_deref()).filter(|name| !name.is_empty());
        let name = name.ok_or(AccessError::Missing("current-context"))?;
        let unknown = |kind, name: &str| AccessError::Unknown { kind, name: name.to_owned() };
        let context = file.contexts.iter().find(|named| named.name == name);
        let context = &context.ok_or_else(|| unknown("context", name))?.context;
        let cluster = file.clusters.iter().find(|named| named.name == context.cluster);
        let cluster = &cluster.ok_or_else(|| unknown("cluster", &context.cluster))?.cluster;
        let nobody = User::default();
        let user = match &context.user {
            None => &nobody,
            Some(user) => {
                let found = file.users.iter().find(|named| named.name == *user);
                &found.ok_or_else(|| unknown("user", user))?.user
            }
        };
        refuse(cluster, user)?;
        Ok(Self {
            url: address(&cluster.server)?,
            roots: roots(folder, cluster)?,
            token: token(folder, user),
            identity: identity(folder, user)?,
        })
    }

    /// As a pod of the cluster.
    ///
    /// # Errors
    /// When this is no pod, or it has no service account.
    pub fn pod(account: &ServiceAccount) -> Result<Self, AccessError> {
        let host = account.host.as_deref().ok_or(AccessError::Missing("KUBERNETES_SERVICE_HOST"))?;
        let port = account.port.as_deref().ok_or(AccessError::Missing("KUBERNETES_SERVICE_PORT"))?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let ca = read(&account.folder.join("ca.crt"))?;
        let roots = Roots::only(&ca)
            .map_err(|error| AccessError::Value { field: "ca.crt", rule: error.to_string() })?;
        let token = account.folder.join("token");
        read(&token)?;
        let url = address(&format!("https://{host}:{port}"))?;
        Ok(Self { url, roots: Some(roots), token: Some(Token::File(token)), identity: None })
    }
}

/// Refuses what would be less than it seems, or more than is wanted.
fn refuse(cluster: &Cluster, user: &User) -> Result<(), AccessError> {
    let refused = [
        (
            cluster.insecure_skip_tls_verify,
            "cluster.insecure-skip-tls-verify",
            "the server's certificate is always checked",
        ),
        (cluster.proxy_url.is_some(), "cluster.proxy-url", "a proxy would connect to wherever it likes"),
        (
            cluster.tls_server_name.is_some(),
            "cluster.tls-server-name",
            "the certificate must be for the host of cluster.server",
        ),
        (user.exec.is_some(), "user.exec", "no program is started; give tokenFile, token or a certificate"),
        (
            user.auth_provider.is_some(),
            "user.auth-provider",
            "no program is started; give tokenFile, token or a certificate",
        ),
        (
            user.username.is_some(),
            "user.username",
            "Kubernetes takes no passwords any more; give tokenFile, token or a certificate",
        ),
        (user.impersonate.is_some(), "user.as", "give the access of who is meant"),
    ];
    let first = refused.into_iter().find(|(is_given, ..)| *is_given);
    first.map_or(Ok(()), |(_, field, because)| Err(AccessError::Refused { field, because }))
}

fn address(text: &str) -> Result<Url, AccessError> {
    text.parse().map_err(|error: serin_outside::UrlError| AccessError::Value {
        field: "cluster.server",
        rule: error.to_string(),
    })
}

fn roots(folder: &Path, cluster: &Cluster) -> Result<Option<Roots>, AccessError> {
    let field = "cluster.certificate-authority";
    let data = cluster.certificate_authority_data.as_deref();
    let pem = given(field, folder, data, cluster.certificate_authority.as_deref())?;
    let roots = pem.map(|pem| Roots::only(&pem));
    roots.transpose().map_err(|error| AccessError::Value { field, rule: error.to_string() })
}

/// As in `kubectl`, a file is taken before a token that stands there.
fn token(folder: &Path, user: &User) -> Option<Token> {
    let file = user.token_file.as_ref().map(|path| Token::File(folder.join(path)));
    file.or_else(|| user.token.clone().map(Token::Fixed))
}

fn identity(folder: &Path, user: &User) -> Result<Option<Identity>, AccessError> {
    let field = "user.client-certificate";
    let data = user.client_certificate_data.as_deref();
    let chain = given(field, folder, data, user.client_certificate.as_deref())?;
    let data = user.client_key_data.as_ref().map(|Secret(key)| key.as_str());
    let key = given("user.client-key", folder, data, user.client_key.as_deref())?;
    match (chain, key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(AccessError::Missing("user.client-key")),
        (None, Some(_)) => Err(AccessError::Missing(field)),
        (Some(chain), Some(key)) => Identity::new(&chain, &key)
            .map(Some)
            .map_err(|error| AccessError::Value { field, rule: error.to_string() }),
    }
}

/// What stands in the access file, else in another one that it names.
fn given(
    field: &'static str,
    folder: &Path,
    data: Option<&str>,
    path: Option<&str>,
) -> Result<Option<Vec<u8>>, AccessError> {
    match (data.filter(|data| !data.is_empty()), path.filter(|path| !path.is_empty())) {
        (Some(data), _) => {
            let decoded = STANDARD.decode(data.trim());
            decoded.map(Some).map_err(|error| AccessError::Value { field, rule: error.to_string() })
        }
        (None, Some(path)) => read(&folder.join(path)).map(Some),
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map(|file| file.take(file::BYTES_MAX));
    file.and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|source| AccessError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;

//! What plans may ask for: webhooks, commands, databases and clusters, by name.

mod kubernetes;

use std::collections::BTreeMap;
use std::sync::Arc;

use serin_hooks::{Command, Database, Secret, Targets, Webhook};
use serin_outside::signature::Key;
use serin_outside::{Roots, Url};

use super::{ConfigError, Outside, raw, read_of, text};

/// Targets of each kind.
const TARGETS_MAX: usize = 256;
/// Arguments that a command can fix.
const ARGUMENTS_MAX: usize = 64;

pub(super) fn targets(raw: raw::Targets, outside: &Outside, insecure: bool) -> Result<Targets, ConfigError> {
    let client = outside.client().map_err(|error| ConfigError::value("outside", error.to_string()))?;
    let webhooks = each("webhooks", raw.webhooks, |field, raw| webhook(field, raw, insecure))?;
    let commands = each("commands", raw.commands, command)?;
    let databases = each("databases", raw.databases, |field, raw| database(field, raw, outside, insecure))?;
    let clusters =
        each("kubernetes", raw.kubernetes, |field, raw| kubernetes::cluster(field, raw, outside, insecure))?;
    Ok(Targets { clusters, webhooks, commands, databases, client })
}

fn each<R, T>(
    kind: &str,
    raw: BTreeMap<String, R>,
    check: impl Fn(&str, R) -> Result<T, ConfigError>,
) -> Result<BTreeMap<String, T>, ConfigError> {
    if raw.len() > TARGETS_MAX {
        return Err(ConfigError::value(format!("targets.{kind}"), format!("exceeds {TARGETS_MAX} targets")));
    }
    let checked = raw.into_iter().map(|(name, raw)| {
        let field = format!("targets.{kind}.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(ConfigError::value(field, "a name is 1 to 64 letters, digits, '.', '_' or '-'"));
        }
        Ok((name, check(&field, raw)?))
    });
    checked.collect()
}

fn webhook(field: &str, raw: raw::WebhookTarget, insecure: bool) -> Result<Webhook, ConfigError> {
    let at = |name: &str| format!("{field}.{name}");
    let url: Url = raw
        .url
        .parse()
        .map_err(|error: serin_outside::UrlError| ConfigError::value(at("url"), error.to_string()))?;
    if !url.is_https() && !url.is_local() && !insecure {
        return Err(ConfigError::value(at("url"), "must be https:// beyond this machine, or say --insecure"));
    }
    let key = raw.secret_file.map(|path| {
        let secret = read_of(at("secret_file"), &path)?;
        Key::new(secret.trim().as_bytes())
            .map_err(|error| ConfigError::value(at("secret_file"), error.to_string()))
    });
    Ok(Webhook { url, key: key.transpose()? })
}

fn command(field: &str, raw: raw::CommandTarget) -> Result<Command, ConfigError> {
    let at = |name: &str| format!("{field}.{name}");
    if !raw.program.is_absolute() {
        return Err(ConfigError::value(at("program"), "must be an absolute path"));
    }
    if !raw.program.is_file() {
        return Err(ConfigError::value(at("program"), format!("{} is no file", raw.program.display())));
    }
    if raw.arguments.len() > ARGUMENTS_MAX {
        return Err(ConfigError::value(at("arguments"), format!("exceeds {ARGUMENTS_MAX} arguments")));
    }
    if !raw.folder.is_absolute() {
        return Err(ConfigError::value(at("folder"), "must be an absolute path"));
    }
    Ok(Command { program: raw.program, arguments: raw.arguments, folder: raw.folder })
}

fn database(
    field: &str,
    raw: raw::DatabaseTarget,
    outside: &Outside,
    insecure: bool,
) -> Result<Database, ConfigError> {
    let at = |name: &str| format!("{field}.{name}");
    for (name, value) in [("host", &raw.host), ("user", &raw.user), ("dbname", &raw.dbname)] {
        text(&at(name), value, 255)?;
    }
    let password = raw.password_file.map(|path| read_of(at("password_file"), &path));
    let password =
        password.transpose()?.map(|password| Secret(password.trim_end_matches(['\r', '\n']).to_owned()));
    let is_local = raw.host == "localhost"
        || raw.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if !raw.tls && !is_local && !insecure {
        return Err(ConfigError::value(at("tls"), "must be true beyond this machine, or say --insecure"));
    }
    let roots = match raw.ca {
        None => outside.roots.clone(),
        Some(path) => Roots::only(read_of(at("ca"), &path)?.as_bytes())
            .map_err(|error| ConfigError::value(at("ca"), error.to_string()))?,
    };
    let tls = raw.tls.then(|| roots.tls().map(Arc::new));
    let tls = tls.transpose().map_err(|error| ConfigError::value(at("ca"), error.to_string()))?;
    let raw::DatabaseTarget { host, port, user, dbname, .. } = raw;
    Ok(Database { host, port, user, password, database: dbname, tls })
}

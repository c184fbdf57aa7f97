//! One target, checked.

use std::path::Path;

use serin_notify::{Address, CdEvents, Kind, Mail, MailTls, PagerDuty, Secret, Target, Webhook};
use serin_outside::{Roots, Url, signature};

use super::raw;
use crate::config::{ConfigError, read_of, text};

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
const NAME_BYTES: usize = 63;
const RECIPIENTS_MAX: usize = 50;

/// Where a field stands in the file.
struct Place<'a>(&'a str);

pub(super) fn checked(
    name: String,
    raw: raw::Target,
    source: &str,
    insecure: bool,
) -> Result<Target, ConfigError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(is_plain) {
        let rule = format!("must be 1 to {NAME_BYTES} lower-case letters, digits or '-'");
        return Err(ConfigError::value(format!("notifications.targets.{name}"), rule));
    }
    let place = Place(&name);
    let kind = match raw {
        raw::Target::Slack(raw) => {
            Kind::Slack(place.secret_url("slack.url_file", &raw.url_file, insecure)?)
        }
        raw::Target::Teams(raw) => {
            Kind::Teams(place.secret_url("teams.url_file", &raw.url_file, insecure)?)
        }
        raw::Target::Pagerduty(raw) => Kind::PagerDuty(place.pagerduty(&raw, insecure)?),
        raw::Target::Email(raw) => Kind::Mail(Box::new(place.mail(raw, insecure)?)),
        raw::Target::Webhook(raw) => Kind::Webhook(place.webhook(&raw)?),
        raw::Target::Cdevents(raw) => Kind::CdEvents(place.cdevents(raw, source)?),
    };
    Ok(Target { name, kind })
}

impl Place<'_> {
    fn field(&self, field: &str) -> String {
        format!("notifications.targets.{}.{field}", self.0)
    }

    fn refused(&self, field: &str, rule: impl Into<String>) -> ConfigError {
        ConfigError::value(self.field(field), rule)
    }

    /// What a file holds, without the space around it.
    fn secret(&self, field: &str, path: &Path) -> Result<String, ConfigError> {
        let secret = read_of(self.field(field), path)?.trim().to_owned();
        text(&self.field(field), &secret, 4_096)?;
        Ok(secret)
    }

    fn url(&self, field: &str, url: &str) -> Result<Url, ConfigError> {
        url.parse().map_err(|error: serin_outside::UrlError| self.refused(field, error.to_string()))
    }

    /// An address that is a secret, or that a secret is sent to: with TLS, or on this machine.
    fn protected(&self, field: &str, url: &str, insecure: bool) -> Result<Url, ConfigError> {
        let url = self.url(field, url)?;
        if url.is_https() || url.is_local() || insecure {
            Ok(url)
        } else {
            Err(self.refused(field, "must be https:// beyond this machine, or say --insecure"))
        }
    }

    fn secret_url(&self, field: &str, path: &Path, insecure: bool) -> Result<Url, ConfigError> {
        self.protected(field, &self.secret(field, path)?, insecure)
    }

    fn pagerduty(&self, raw: &raw::PagerDuty, insecure: bool) -> Result<PagerDuty, ConfigError> {
        let url = raw.url.as_deref().unwrap_or(PAGERDUTY);
        let url = self.protected("pagerduty.url", url, insecure)?;
        let key = self.secret("pagerduty.routing_key_file", &raw.routing_key_file)?;
        Ok(PagerDuty { url, routing_key: Secret::new(key) })
    }

    fn webhook(&self, raw: &raw::Webhook) -> Result<Webhook, ConfigError> {
        let field = "webhook.secret_file";
        let key = raw.secret_file.as_deref().map(|path| {
            let key = signature::Key::new(self.secret(field, path)?.as_bytes());
            key.map_err(|error| self.refused(field, format!("{}: {error}", path.display())))
        });
        Ok(Webhook { url: self.url("webhook.url", &raw.url)?, key: key.transpose()? })
    }

    fn cdevents(&self, raw: raw::CdEvents, source: &str) -> Result<CdEvents, ConfigError> {
        let environment = raw.environment.unwrap_or_else(|| "production".to_owned());
        text(&self.field("cdevents.environment"), &environment, 256)?;
        let url = self.url("cdevents.url", &raw.url)?;
        Ok(CdEvents { url, environment, source: source.to_owned() })
    }

    fn mail(&self, raw: raw::Email, insecure: bool) -> Result<Mail, ConfigError> {
        let raw::Email { host, port, tls, from, to, username, password_file, ca } = raw;
        text(&self.field("email.host"), &host, 253)?;
        let is_local = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, usual) = match tls {
            raw::MailTls::Starttls => (MailTls::Starttls, 587),
            raw::MailTls::Implicit => (MailTls::Implicit, 465),
            raw::MailTls::None if is_local || insecure => (MailTls::None, 25),
            raw::MailTls::None => {
                let rule = "must be starttls or implicit beyond this machine, or say --insecure";
                return Err(self.refused("email.tls", rule));
            }
        };
        if to.is_empty() || to.len() > RECIPIENTS_MAX {
            return Err(self.refused("email.to", format!("must be 1 to {RECIPIENTS_MAX} addresses")));
        }
        let to = to.iter().map(|one| self.address("email.to", one)).collect::<Result<_, _>>()?;
        let login = match (username, password_file) {
            (None, None) => None,
            (Some(name), Some(path)) => {
                text(&self.field("email.username"), &name, 256)?;
                Some((name, Secret::new(self.secret("email.password_file", &path)?)))
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(self.refused("email.username", "username and password_file go together"));
            }
        };
        let ca_pem = ca.as_deref().map(|path| self.authority("email.ca", path)).transpose()?;
        let from = self.address("email.from", &from)?;
        Ok(Mail { host, port: port.unwrap_or(usual), tls, ca_pem, from, to, login })
    }

    fn address(&self, field: &str, address: &str) -> Result<Address, ConfigError> {
        address.parse().map_err(|error| self.refused(field, format!("{address:?}: {error}")))
    }

    fn authority(&self, field: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let pem = read_of(self.field(field), path)?.into_bytes();
        let usable = Roots::only(&pem).map(|_| pem);
        usable.map_err(|error| self.refused(field, format!("{}: {error}", path.display())))
    }
}

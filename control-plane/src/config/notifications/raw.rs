//! The YAML form of notifications, before its rules are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serin_rollout::Severity;

/// Who is told what.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Where people reach the dashboard, for links in messages. Absent: no links.
    pub public_url: Option<String>,
    /// Who can be told, by name.
    pub targets: BTreeMap<String, Target>,
    /// Who is told what. The first route that matches wins.
    pub routes: Vec<Route>,
    /// What is told together.
    pub group: Group,
    /// Bounds.
    pub limits: Limits,
}

/// A target: one of these.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An incoming webhook of Slack.
    Slack(UrlFile),
    /// An integration of PagerDuty.
    Pagerduty(PagerDuty),
    /// Mail.
    Email(Email),
    /// A workflow of Microsoft Teams.
    Teams(UrlFile),
    /// Our own JSON form.
    Webhook(Webhook),
    /// CDEvents in CloudEvents.
    Cdevents(CdEvents),
}

/// An address that is a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrlFile {
    /// File that holds it.
    pub url_file: PathBuf,
}

/// An integration of PagerDuty.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// File of the integration's key.
    pub routing_key_file: PathBuf,
    /// Where events are sent. Default: PagerDuty's address.
    #[serde(default)]
    pub url: Option<String>,
}

/// A mail server and who is written to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Name of the server.
    pub host: String,
    /// Port. Default: 587 for `starttls`, 465 for `implicit`, 25 for `none`.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected. Default: `starttls`.
    #[serde(default)]
    pub tls: MailTls,
    /// Address of the sender.
    pub from: String,
    /// Addresses that are written to.
    pub to: Vec<String>,
    /// Name for the server. Absent: without a login.
    #[serde(default)]
    pub username: Option<String>,
    /// File of its password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// PEM file of the authority of the server's certificate. Absent: those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// By STARTTLS, which must be offered.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// A receiver of our own JSON form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where.
    pub url: String,
    /// File of the key that messages are signed with. Absent: they are not signed.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// A receiver of CloudEvents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CdEvents {
    /// Where.
    pub url: String,
    /// Name of the environment that services run in. Default: `production`.
    #[serde(default)]
    pub environment: Option<String>,
}

/// One route. What is absent matches everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// `info`, `warning` or `critical`: at least so urgent.
    pub severity: Option<Severity>,
    /// Pattern of an owner; `*` stands for any text.
    pub owner: Option<String>,
    /// Pattern of a service.
    pub service: Option<String>,
    /// Kinds of events.
    pub kinds: Vec<String>,
    /// Names of targets. Empty: nobody is told.
    pub to: Vec<String>,
    /// Later routes are asked too.
    #[serde(rename = "continue")]
    pub goes_on: bool,
}

/// What is told together.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// How long something new waits for what belongs to it, at most 5m. Default: 5s.
    pub wait: String,
    /// How long repetitions are gathered, 10s to 24h. Default: 5m.
    pub interval: String,
}

impl Default for Group {
    fn default() -> Self {
        Self { wait: "5s".to_owned(), interval: "5m".to_owned() }
    }
}

/// Bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Attempts within any minute, 1 to 600. Default: 20.
    pub per_target_per_minute: u32,
    /// Attempts of one message, 1 to 50. Default: 12.
    pub attempts: u32,
    /// Messages that were given up and are kept, at most 100,000. Default: 1,000.
    pub keep_dead: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_target_per_minute: 20, attempts: 12, keep_dead: 1_000 }
    }
}

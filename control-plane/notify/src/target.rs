//! What is told, and how it is reached.

use serin_outside::{Roots, Url, signature};

use crate::Secret;

/// Something outside that is told.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name, unique.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What a target is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An incoming webhook of Slack.
    Slack(Url),
    /// An integration of PagerDuty by its Events API v2.
    PagerDuty(PagerDuty),
    /// Mail by SMTP.
    Mail(Box<Mail>),
    /// A workflow of Microsoft Teams that takes adaptive cards.
    Teams(Url),
    /// Whatever takes our own JSON form.
    Webhook(Webhook),
    /// Whatever takes CloudEvents with CDEvents in them.
    CdEvents(CdEvents),
}

/// An integration of PagerDuty.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    /// Where events are sent.
    pub url: Url,
    /// Whose they are.
    pub routing_key: Secret,
}

/// A receiver of our own JSON form.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// What messages are signed with. `None`: they are not signed.
    pub key: Option<signature::Key>,
}

/// A receiver of CloudEvents.
#[derive(Clone, Debug)]
pub struct CdEvents {
    /// Where.
    pub url: Url,
    /// Where services run, as CDEvents name it.
    pub environment: String,
    /// Who sends, as a URI reference.
    pub source: String,
}

/// A mail server and who is written to.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Name of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Whose certificates are believed, as PEM. `None`: the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Who sends.
    pub from: lettre::Address,
    /// Who is written to; at least one.
    pub to: Vec<lettre::Address>,
    /// Name and password. `None`: without.
    pub login: Option<(String, Secret)>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MailTls {
    /// It begins in plain text and must be encrypted before anything else is said.
    Starttls,
    /// It is encrypted from the first byte.
    Implicit,
    /// Not at all: for servers on this machine.
    None,
}

impl Kind {
    /// In lower case, for tables.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::PagerDuty(_) => "pagerduty",
            Self::Mail(_) => "email",
            Self::Teams(_) => "teams",
            Self::Webhook(_) => "webhook",
            Self::CdEvents(_) => "cdevents",
        }
    }

    /// Whether each event is a message of its own.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        matches!(self, Self::CdEvents(_))
    }

    /// Where it is, as far as that is no secret.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Slack(url) | Self::Teams(url) => url.to_string(),
            Self::PagerDuty(PagerDuty { url, .. })
            | Self::Webhook(Webhook { url, .. })
            | Self::CdEvents(CdEvents { url, .. }) => url.to_string(),
            Self::Mail(mail) => format!("{}:{}", mail.host, mail.port),
        }
    }
}

impl Mail {
    /// Whose certificates are believed.
    ///
    /// # Errors
    /// When its file holds none.
    pub fn roots(&self) -> Result<Roots, serin_outside::RootsError> {
        self.ca_pem.as_deref().map_or_else(|| Ok(Roots::system()), Roots::only)
    }
}

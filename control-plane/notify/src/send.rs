//! One attempt to send one message: the only part that reaches outside.

mod http;
mod smtp;

use std::collections::BTreeMap;
use std::time::Duration;

use serin_outside::{HttpClient, RootsError};

use crate::delivery::Outcome;
use crate::render::Context;
use crate::{Kind, Message, Target};

/// Sends to targets.
#[derive(Clone, Debug)]
pub struct Sender {
    client: HttpClient,
    context: Context,
    timeout: Duration,
    mail: BTreeMap<String, smtp::Tls>,
}

/// What is sent: a message, or a part of one where the target takes it in parts.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The message.
    pub message: Message,
    /// From 0.
    pub part: u32,
}

/// A target whose authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {source}")]
pub struct SenderError {
    /// Name of the target.
    pub target: String,
    source: RootsError,
}

impl Sender {
    /// Each attempt ends within `timeout`.
    ///
    /// # Errors
    /// When TLS cannot be set up for a target.
    pub fn new<'a>(
        client: HttpClient,
        context: Context,
        timeout: Duration,
        targets: impl IntoIterator<Item = &'a Target>,
    ) -> Result<Self, SenderError> {
        let mut mail = BTreeMap::new();
        for target in targets {
            if let Kind::Mail(letters) = &target.kind {
                let tls = smtp::Tls::new(letters);
                let tls = tls.map_err(|source| SenderError { target: target.name.clone(), source })?;
                mail.insert(target.name.clone(), tls);
            }
        }
        Ok(Self { client, context, timeout, mail })
    }

    /// Sends once. `now_s`, in seconds of Unix, is what a signature tells.
    pub async fn send(&self, target: &Target, parcel: &Parcel, now_s: u64) -> Outcome {
        match (&target.kind, self.mail.get(&target.name)) {
            (Kind::Mail(mail), Some(tls)) => {
                let sent =
                    smtp::send(self.client.policy(), mail, tls, &parcel.message, &self.context, self.timeout);
                sent.await
            }
            (kind, _) => http::send(&self.client, kind, parcel, &self.context, self.timeout, now_s).await,
        }
    }
}

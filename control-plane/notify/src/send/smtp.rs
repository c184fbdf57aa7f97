//! Sending by mail. The server's name is resolved once, to a permitted address; certificates are checked against the name.
//!
//! A connection that was to be encrypted and cannot be is a failure: nothing is said in plain text then, neither the
//! password nor the message.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serin_outside::{AddressPolicy, RootsError};
use tokio::time::{Instant, timeout_at};

use crate::delivery::Outcome;
use crate::render::{Context, letter};
use crate::{Mail, MailTls, Message};

/// What a connection is encrypted with. `None`: it is not.
#[derive(Clone)]
pub(super) struct Tls(Option<TlsParameters>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Tls").field(&self.0.is_some()).finish()
    }
}

impl Tls {
    pub(super) fn new(mail: &Mail) -> Result<Self, RootsError> {
        if mail.tls == MailTls::None {
            return Ok(Self(None));
        }
        let unusable = |error: lettre::transport::smtp::Error| RootsError::Unusable(error.to_string());
        // Says, in the words of all targets, what is wrong with the file.
        mail.roots()?;
        let mut parameters = TlsParameters::builder(mail.host.clone());
        if let Some(pem) = &mail.ca_pem {
            parameters = parameters
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
        }
        Ok(Self(Some(parameters.build_rustls().map_err(unusable)?)))
    }
}

pub(super) async fn send(
    policy: &AddressPolicy,
    mail: &Mail,
    tls: &Tls,
    message: &Message,
    context: &Context,
    within: Duration,
) -> Outcome {
    let letter = match formatted(mail, message, context) {
        Ok(letter) => letter,
        Err(error) => return Outcome::Refused { why: format!("the letter cannot be written: {error}") },
    };
    let end = Instant::now() + within;
    let attempt = deliver(policy, mail, tls, &letter, within);
    match timeout_at(end, attempt).await {
        Ok(Ok(())) => Outcome::Delivered,
        Ok(Err(failure)) => failure.outcome(),
        Err(_late) => Outcome::Failed { why: format!("no answer within {within:?}"), after: None },
    }
}

/// Why a letter is not delivered.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Call(#[from] serin_outside::CallError),
    #[error("the server: {}", words(.0))]
    Server(#[from] lettre::transport::smtp::Error),
    #[error("the server does not take these letters: {}", words(.0))]
    Letter(lettre::transport::smtp::Error),
    #[error("the server offers no STARTTLS, and nothing is sent in plain text")]
    NoStarttls,
}

impl Failure {
    fn outcome(self) -> Outcome {
        let why = self.to_string();
        match self {
            Self::Letter(_) => Outcome::Refused { why },
            Self::Call(_) | Self::Server(_) | Self::NoStarttls => Outcome::Failed { why, after: None },
        }
    }
}

async fn deliver(
    policy: &AddressPolicy,
    mail: &Mail,
    tls: &Tls,
    letter: &lettre::Message,
    within: Duration,
) -> Result<(), Failure> {
    let addresses = policy.resolve(&mail.host, mail.port, within).await?;
    let hello = ClientId::default();
    let implicit = tls.0.clone().filter(|_| mail.tls == MailTls::Implicit);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), Some(within), &hello, implicit, None)
            .await?;
    if let (MailTls::Starttls, Some(tls)) = (mail.tls, &tls.0) {
        if !connection.can_starttls() {
            connection.abort().await;
            return Err(Failure::NoStarttls);
        }
        connection.starttls(tls.clone(), &hello).await?;
    }
    if let Some((name, password)) = &mail.login {
        let credentials = Credentials::new(name.clone(), password.reveal().to_owned());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
    }
    let sent = connection.send(letter.envelope(), &letter.formatted()).await;
    sent.map_err(|error| if error.is_permanent() { Failure::Letter(error) } else { Failure::Server(error) })?;
    // The server has it; how it takes its leave changes nothing.
    let _leave = connection.quit().await;
    Ok(())
}

fn formatted(
    mail: &Mail,
    message: &Message,
    context: &Context,
) -> Result<lettre::Message, lettre::error::Error> {
    let letter = letter(message, context);
    let id = |key: &str| format!("<{}@serin.invalid>", key.replace('/', "."));
    let mut builder: MessageBuilder = lettre::Message::builder()
        .from(Mailbox::new(Some("Serin".to_owned()), mail.from.clone()))
        .subject(letter.subject)
        .message_id(Some(id(&message.key)))
        .header(ContentType::TEXT_PLAIN);
    for address in &mail.to {
        builder = builder.to(Mailbox::new(None, address.clone()));
    }
    if let Some(thread) = &letter.thread {
        builder = builder.references(id(thread)).in_reply_to(id(thread));
    }
    builder.body(letter.text)
}

/// The error and its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words.chars().take(300).collect()
}

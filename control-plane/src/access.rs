//! Who calls, and whether they may.

use std::sync::Arc;

use axum::http::HeaderMap;
use serin_rollout::AUTOMATIC;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::config::{Listener, Token};

/// Metadata in which a caller gives the name of the person it acts for.
pub const ACTOR_METADATA: &str = "x-serin-actor";
/// Bytes of such a name.
const ACTOR_BYTES_MAX: usize = 128;

/// Who may call a listener.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: Arc<[Token]>,
    /// Whether everyone who can connect may.
    open: bool,
}

/// Who called, for the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor(pub String);

impl Access {
    /// Lets in who presents one of `tokens`; without any, everyone who can connect.
    #[must_use]
    pub fn new(tokens: &[Token]) -> Self {
        Self { tokens: tokens.into(), open: tokens.is_empty() }
    }

    /// Who may post to the `http` listener. What is posted changes rollouts, so where that listener asks nobody who they are, the
    /// tokens of the `admin` listener are asked for; where that one knows people by their certificates alone, nobody may.
    #[must_use]
    pub fn of_posts(http: &Listener, admin: &Listener) -> Self {
        if http.identifies() {
            return Self::new(&http.tokens);
        }
        Self { tokens: admin.tokens.as_slice().into(), open: !admin.identifies() }
    }

    /// Who may act on rollouts through the `http` listener: who may through the `admin` listener. A token of the `http` listener is
    /// given to code that reads flags and metrics, so it is not enough. Where the `admin` listener asks for certificates of an
    /// authority that the `http` listener does not ask for, and where it asks nobody because its address is not reachable while the
    /// `http` listener does ask, nobody may.
    #[must_use]
    pub fn of_acts(http: &Listener, admin: &Listener) -> Self {
        let authority = |listener: &Listener| listener.tls.as_ref().and_then(|tls| tls.client_ca.clone());
        let demanded = authority(admin);
        let is_certified = demanded.is_none() || demanded == authority(http);
        let tokens = if is_certified { admin.tokens.as_slice().into() } else { Arc::default() };
        let is_met = admin.identifies() || !http.identifies();
        Self { tokens, open: is_certified && is_met && admin.tokens.is_empty() }
    }

    /// Whether nobody is let in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tokens.is_empty() && !self.open
    }

    /// Whether everyone is let in who can connect.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// The name of who holds this token.
    #[must_use]
    pub fn holder_of(&self, presented: &str) -> Option<&str> {
        self.tokens.iter().find(|token| token.matches(presented)).map(|token| token.name.as_str())
    }

    /// The holder of the token in an `authorization` value; `Ok(None)` when none is asked for.
    ///
    /// # Errors
    /// When a token is asked for and this is none.
    pub fn holder(&self, authorization: Option<&str>) -> Result<Option<&str>, Denied> {
        if self.open {
            return Ok(None);
        }
        let (scheme, presented) = authorization.and_then(|value| value.split_once(' ')).ok_or(Denied)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Denied);
        }
        self.holder_of(presented).map(Some).ok_or(Denied)
    }

    /// Who calls by these headers: the name that is claimed and the token that vouches for it.
    ///
    /// # Errors
    /// When a token is asked for and there is none.
    pub fn who(&self, headers: &HeaderMap) -> Result<Actor, Denied> {
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
        let holder = self.holder(authorization)?;
        let claimed = headers.get(ACTOR_METADATA).and_then(|value| value.to_str().ok()).map(str::trim);
        Ok(actor(claimed.filter(|name| is_possible(name)), holder))
    }

    /// Lets a gRPC request pass, and notes who sent it in its extensions.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a valid token, INVALID_ARGUMENT for an impossible name.
    pub fn admit(&self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let authorization = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let holder =
            self.holder(authorization).map_err(|denied| Status::unauthenticated(denied.to_string()))?;
        let actor = actor(claimed(request.metadata())?, holder);
        request.extensions_mut().insert(actor);
        Ok(request)
    }
}

impl Actor {
    /// Someone whom the holder of a token vouches for, as every interface names them. `None`: the name is impossible.
    #[must_use]
    pub fn vouched(claimed: Option<&str>, holder: &str) -> Option<Self> {
        let is_fine = claimed
            .is_none_or(|name| is_possible(name) && name.bytes().all(|one| matches!(one, b' '..=b'~')));
        is_fine.then(|| actor(claimed, Some(holder)))
    }
}

/// No valid token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a valid bearer token is needed")]
pub struct Denied;

fn claimed(metadata: &MetadataMap) -> Result<Option<&str>, Status> {
    let Some(value) = metadata.get(ACTOR_METADATA) else { return Ok(None) };
    let refused = || {
        let rule = "must be 1 to 128 printable ASCII bytes, and not the name of automatic decisions";
        Status::invalid_argument(format!("{ACTOR_METADATA}: {rule}"))
    };
    let name = value.to_str().map_err(|_| refused())?.trim();
    if is_possible(name) { Ok(Some(name)) } else { Err(refused()) }
}

fn is_possible(name: &str) -> bool {
    (1..=ACTOR_BYTES_MAX).contains(&name.len()) && !name.eq_ignore_ascii_case(AUTOMATIC)
}

/// A claimed name is not proven, so the token that vouches for it stands beside it.
fn actor(claimed: Option<&str>, holder: Option<&str>) -> Actor {
    Actor(match (claimed, holder) {
        (Some(name), Some(token)) => format!("{name} (token {token})"),
        (Some(name), None) => name.to_owned(),
        (None, Some(token)) => token.to_owned(),
        (None, None) => "unknown".to_owned(),
    })
}

#[cfg(test)]
mod tests;

//! Who looks at the dashboard, and who may act through it.
//!
//! A browser signs in with a token, as every other client does, and gets a cookie in exchange: so no token lies in the browser's
//! storage, and an act is named in journal and audit log as one by gRPC is. Acts ask for what the `admin` listener asks for
//! ([`Access::of_acts`]); reading asks for what the `http` listener asks for. A bearer token in the header does as well as a cookie.

mod attempts;
mod origin;
mod session;

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use serin_dashboard::Viewer;

use crate::access::{Access, Actor};
pub(super) use origin::Foreign;
pub(super) use session::{Key, Session};

use super::Dashboard;
use attempts::Attempts;
use session::Sessions;

/// The cookie that names a session.
const COOKIE: &str = "serin-session";

/// Who may look and act.
#[derive(Debug)]
pub(crate) struct Gate {
    reads: Access,
    acts: Access,
    is_secure: bool,
    sessions: Sessions,
    attempts: Attempts,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// As pages are told.
    pub(super) viewer: Viewer,
    /// Whether pages are shown to them.
    pub(super) may_read: bool,
    /// By which name they act. `None`: they may not.
    pub(super) actor: Option<Actor>,
    /// The session that says so.
    pub(super) session: Option<Key>,
}

/// Why somebody is not signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum NotSignedIn {
    #[error("this is no token of this server")]
    Wrong,
    #[error("a name has 1 to 128 printable ASCII characters and is not \"serin\"")]
    Name,
    #[error("too many wrong tokens came from your address: wait a minute")]
    TooMany,
    #[error("no random number could be drawn for a session: try again")]
    NoRandom,
}

impl Gate {
    /// Reading asks for what `reads` does, acting for what `acts` does; `is_secure` says whether browsers connect by TLS.
    pub(crate) fn new(reads: Access, acts: Access, is_secure: bool) -> Self {
        Self { reads, acts, is_secure, sessions: Sessions::default(), attempts: Attempts::default() }
    }

    /// Who sends these headers.
    pub(super) fn who(&self, headers: &HeaderMap, now: Instant) -> Who {
        let session = cookie(headers).and_then(|id| self.sessions.find(id, now));
        if let Some((key, Session { actor, may_act })) = session {
            let viewer = if may_act { Viewer::Person(actor.0.clone()) } else { Viewer::Reader };
            return Who { viewer, may_read: true, actor: may_act.then_some(actor), session: Some(key) };
        }
        let may_read = self.reads.who(headers).is_ok();
        if self.acts.is_open() {
            let actor = self.acts.who(headers).ok().filter(|_| may_read);
            return Who { viewer: Viewer::Everyone, may_read, actor, session: None };
        }
        if let Ok(actor) = self.acts.who(headers) {
            let viewer = Viewer::Person(actor.0.clone());
            return Who { viewer, may_read: true, actor: Some(actor), session: None };
        }
        let viewer = if self.acts.is_closed() { Viewer::OnlyReader } else { Viewer::Reader };
        Who { viewer, may_read, actor: None, session: None }
    }

    /// Begins a session for who presents a token. Gives what identifies it.
    pub(super) fn sign_in(
        &self,
        token: &str,
        name: Option<&str>,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<(String, Session), NotSignedIn> {
        if !self.attempts.may_try(from, now) {
            return Err(NotSignedIn::TooMany);
        }
        let acts = self.acts.holder_of(token);
        let Some(holder) = acts.or_else(|| self.reads.holder_of(token)) else {
            self.attempts.failed(from, now);
            return Err(NotSignedIn::Wrong);
        };
        let actor = Actor::vouched(name, holder).ok_or(NotSignedIn::Name)?;
        let session = Session { actor, may_act: acts.is_some() || self.acts.is_open() };
        let id = self.sessions.begin(session.clone(), now).map_err(|_| NotSignedIn::NoRandom)?;
        Ok((id, session))
    }

    /// Ends a session.
    pub(super) fn sign_out(&self, key: Key) {
        self.sessions.end(key);
    }

    /// Whether a session still lasts. Asking is no use of it.
    pub(super) fn lasts(&self, key: Key, now: Instant) -> bool {
        self.sessions.lasts(key, now)
    }

    /// Whether a request that changes something comes from one of our own pages, or from a program.
    pub(super) fn check_origin(
        &self,
        headers: &HeaderMap,
        authority: Option<&str>,
        who: &Who,
    ) -> Result<(), Foreign> {
        // A name can be made to lead to any address, but not to have a certificate.
        let asks_name = self.acts.is_open() && !self.is_secure;
        origin::check(headers, authority, who.session.is_some(), asks_name)
    }

    /// What makes a browser keep a session, or forget it.
    pub(super) fn cookie(&self, id: Option<&str>) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let (id, age) = id.map_or(("", 0), |id| (id, session::LASTS.as_secs()));
        format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, id)| id)
}

/// Notes in a request who sent it, before the audit log asks. What is no page says itself who may post to it.
pub(crate) async fn identify(
    State(dashboard): State<Dashboard>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_api = request.uri().path().starts_with("/api/") || request.uri().path().starts_with("/ofrep/");
    if !is_api {
        let who = dashboard.gate().who(request.headers(), Instant::now());
        if let Some(actor) = who.actor.clone().filter(|_| request.method() == Method::POST) {
            request.extensions_mut().insert(actor);
        }
        request.extensions_mut().insert(who);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;

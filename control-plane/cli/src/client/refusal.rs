//! From a gRPC status to a failure that says what to do next.

use std::error::Error;
use std::time::Duration;

use serin_registry::Subject;
use tonic::{Code, Status};

use crate::failure::{Failure, Kind};

/// Metadata in which a refusal says what it is about.
const SUBJECT_METADATA: &str = "x-serin-subject";

/// An unsuccessful call.
pub(super) struct Refusal {
    code: Code,
    failure: Failure,
    subject: Option<Subject>,
}

impl Refusal {
    pub(super) fn new(status: &Status, server: &str) -> Self {
        // Only a status that was made on this side has a source: the server was not reached or not understood.
        if let Some(source) = status.source() {
            return Self::without_subject(Code::Unavailable, unreachable(server, &chain(source)));
        }
        let message = match status.message() {
            "" => format!("the server answered {}", word(status.code())),
            message => message.to_owned(),
        };
        let subject =
            status.metadata().get(SUBJECT_METADATA).and_then(|path| path.to_str().ok()?.parse().ok());
        Self { code: status.code(), failure: refused(status.code(), message, server), subject }
    }

    const fn without_subject(code: Code, failure: Failure) -> Self {
        Self { code, failure, subject: None }
    }

    pub(super) fn timeout(limit: Duration, server: &str) -> Self {
        let words = format!("no answer within {}", crate::output::duration(limit));
        Self::without_subject(Code::DeadlineExceeded, unreachable(server, &words))
    }

    /// A stream that broke off.
    pub(super) fn lost(server: &str) -> Self {
        let words = format!("{server}: the stream ended before the rollout did");
        let failure =
            Failure::new(Kind::Unreachable, words).advise("run the command again to go on watching");
        Self::without_subject(Code::Unavailable, failure)
    }

    pub(super) fn is_invalid_argument(&self) -> bool {
        self.code == Code::InvalidArgument
    }

    /// True when the same call may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        self.failure.kind() == Kind::Unreachable
    }

    pub(super) fn into_plan_invalid(self) -> Failure {
        Failure::new(Kind::PlanInvalid, self.failure.to_string())
            .advise("correct the plan; `serin plan check FILE` shows the place")
    }
}

impl Refusal {
    /// What the refusal says that it is about.
    pub(super) fn take_subject(&mut self) -> Option<Subject> {
        self.subject.take()
    }

    /// The same, with what to do next about versions.
    pub(super) fn of_registry(self) -> Failure {
        let advice = match self.code {
            Code::NotFound => "`serin release list` and `serin block list --all` show what there is",
            Code::AlreadyExists => "change its label in the release, and register that again",
            Code::DataLoss => "`serin release register -f` with the release that carries it repairs it",
            Code::FailedPrecondition => {
                "`serin release show` and `serin block show` tell what a version carries"
            }
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::Unauthenticated => return self.failure,
        };
        self.failure.advise(advice)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

fn refused(code: Code, message: String, server: &str) -> Failure {
    match code {
        Code::NotFound => Failure::new(Kind::NotFound, message).advise("`serin rollout list` shows what there is"),
        Code::Unavailable => Failure::new(Kind::Unreachable, format!("{server}: {message}"))
            .advise("the server answers and cannot do this now: its log says more, and asking again is safe"),
        Code::DeadlineExceeded | Code::Cancelled => unreachable(server, &message),
        Code::FailedPrecondition | Code::Aborted => Failure::new(Kind::Refused, message)
            .advise("look at `serin rollout status ID`, then decide again"),
        Code::AlreadyExists => Failure::new(Kind::Refused, message)
            .advise("end the active one first: `serin rollout rollback`, or `serin rollout promote` unless it is an experiment"),
        Code::Unauthenticated => Failure::new(Kind::Refused, message)
            .advise("give the token by --token-file or in SERIN_TOKEN"),
        Code::PermissionDenied => Failure::new(Kind::Refused, message)
            .advise("use a token that is allowed to do this"),
        Code::Unimplemented => Failure::new(Kind::Refused, message)
            .advise("check that --server is the admin listener (default port 7441) of a server at least as new as this client"),
        Code::ResourceExhausted => Failure::new(Kind::Refused, message).advise("try again in a moment"),
        Code::Internal | Code::Unknown | Code::DataLoss => {
            Failure::new(Kind::Refused, message).advise("the server's log says more")
        }
        Code::InvalidArgument | Code::OutOfRange | Code::Ok => Failure::new(Kind::Refused, message)
            .advise("correct what the message names, and ask again"),
    }
}

fn unreachable(server: &str, why: &str) -> Failure {
    Failure::new(Kind::Unreachable, format!("{server}: {why}")).advise(if server.starts_with("https:") {
        "check that serin-control-plane runs, that --server (or SERIN_SERVER) is its admin listener, that --ca is the \
         authority of its certificate, and --cert and --key if it asks for one"
    } else {
        "check that serin-control-plane runs and that --server (or SERIN_SERVER) is its admin listener"
    })
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        next = cause.source();
    }
    words
}

fn word(code: Code) -> String {
    format!("{code:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_do_next() {
        for number in 1..=16 {
            let code = Code::from_i32(number);
            let failure = Failure::from(Refusal::new(&Status::new(code, "no"), "https://a:1"));
            assert!(failure.advice().is_some_and(|advice| advice.len() > 20), "{code:?}");
            assert!(
                !failure.to_string().is_empty() && failure.to_string() != advice_of(&failure),
                "{code:?}"
            );
        }
    }

    fn advice_of(failure: &Failure) -> &str {
        failure.advice().unwrap_or_default()
    }

    #[test]
    fn a_server_that_cannot_do_it_now_is_told_from_one_that_is_not_there() {
        let full = Refusal::new(&Status::unavailable("database: database or disk is full"), "http://a:1");
        let failure = Failure::from(full);
        assert_eq!(
            (failure.kind(), failure.to_string().as_str()),
            (Kind::Unreachable, "http://a:1: database: database or disk is full")
        );
        assert!(failure.advice().is_some_and(|advice| advice.starts_with("the server answers")), "{failure}");
        let away = Status::from_error(Box::new(std::io::Error::other("refused")));
        let failure = Failure::from(Refusal::new(&away, "http://a:1"));
        assert!(failure.advice().is_some_and(|advice| advice.contains("--server")), "{failure}");
    }
}

//! Why a verdict is what it is, in words and numbers.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::{text, view, words};

/// All signals of one scope, and what stands against undoing it.
pub(crate) fn all(reasons: &[api::Reason], vetoes: impl Iterator<Item = api::Veto>) -> Markup {
    html! {
        @for veto in vetoes {
            p class="notice hold" { strong { "Held, and not undone. " } (words::veto(veto)) }
        }
        ul class="events" {
            @for reason in reasons { li { (one(reason)) } }
        }
    }
}

fn one(reason: &api::Reason) -> Markup {
    html! {
        (view::verdict(reason.verdict())) " " strong { (capital(words::signal(&reason.signal))) }
        div { (text::foreign(&reason.text)) }
        div class="why" {
            (evidence(reason))
            " Compared with " (words::compared_with(reason.baseline_used())) "."
            @if let Some(needed) = reason.canary_requests_needed {
                " " (words::counted(needed, "canary request")) " more to decide it, at the present difference."
            }
        }
    }
}

/// The evidence against its threshold, as odds.
pub(crate) fn evidence(reason: &api::Reason) -> String {
    if reason.baseline_used() == api::BaselineUsed::Nothing {
        return "No evidence is gathered.".to_owned();
    }
    let (odds, threshold) = (words::odds(reason.log_evidence), words::odds(reason.log_threshold));
    format!("Odds {odds} against “within the margin”; acts at {threshold}.")
}

/// With a capital letter at its beginning.
pub(crate) fn capital(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

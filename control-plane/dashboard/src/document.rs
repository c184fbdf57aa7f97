//! What is around every page: head, navigation, who is signed in.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::part::Rendered;
use crate::{assets, clock, text};

/// Who looks at a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Viewer {
    /// The server asks nobody who they are: everyone may act.
    Everyone,
    /// Someone who may look, and may sign in to act.
    Reader,
    /// Someone who signed in, by the name that the journal shows.
    Person(String),
    /// Someone who may look; nobody can sign in, because the server has no tokens for it.
    OnlyReader,
}

impl Viewer {
    /// Whether buttons that act are shown. The server checks again when one is pressed.
    #[must_use]
    pub const fn may_act(&self) -> bool {
        matches!(self, Self::Everyone | Self::Person(_))
    }
}

/// What is around a page.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Who looks.
    pub viewer: &'a Viewer,
    /// Address of the page: path and query.
    pub path: &'a str,
    /// Unix time in milliseconds at which it was rendered.
    pub now_ms: u64,
}

/// Address, name, and the beginnings of other addresses that belong to it.
const SECTIONS: [(&str, &str, &[&str]); 5] = [
    ("/", "Rollouts", &["/rollouts"]),
    ("/decisions", "Decisions", &[]),
    ("/history", "History", &[]),
    ("/compare", "Compare", &[]),
    ("/nodes", "Envoys", &[]),
];

/// The whole document.
#[must_use]
pub fn document(page: &Rendered, frame: Frame<'_>) -> String {
    let title = if page.title == "Serin" { "Serin".to_owned() } else { format!("{} · Serin", page.title) };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::path("serin.svg"));
                link rel="stylesheet" href=(assets::path("serin.css"));
                script src=(assets::path("live.js")) defer {}
            }
            body data-live=[page.live.as_deref()] data-now=(frame.now_ms) {
                a class="skip" href="#main" { "Skip to the content" }
                (header(frame))
                (live_state(page, frame))
                main id="main" tabindex="-1" { (PreEscaped(&page.main)) }
                footer {
                    p { "Serin " (env!("CARGO_PKG_VERSION")) " · all times are UTC" }
                }
            }
        }
    }
    .into_string()
}

fn header(frame: Frame<'_>) -> Markup {
    html! {
        header class="top" {
            a class="brand" href="/" { (PreEscaped(assets::MARK)) "Serin" }
            nav aria-label="Pages" {
                ul {
                    @for (address, name, others) in SECTIONS {
                        li { a href=(address) aria-current=[current(frame.path, address, others)] { (name) } }
                    }
                }
            }
            (viewer(frame))
        }
    }
}

fn current(path: &str, address: &str, others: &[&str]) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or(path);
    let is_below =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path == address {
        return Some("page");
    }
    let is_part = (address != "/" && is_below(address)) || others.iter().any(|root| is_below(root));
    is_part.then_some("true")
}

fn viewer(frame: Frame<'_>) -> Markup {
    html! {
        div class="viewer" {
            @match frame.viewer {
                Viewer::Everyone => span class="quiet" { "No sign-in: everyone may act" },
                Viewer::OnlyReader => span class="quiet" { "Read only" },
                Viewer::Reader => a href=(format!("/login?next={}", text::segment(frame.path))) { "Sign in to act" },
                Viewer::Person(name) => {
                    span class="who" { "Signed in as " strong { (text::name(name)) } }
                    form method="post" action="/logout" { button class="plain" { "Sign out" } }
                }
            }
        }
    }
}

/// Says whether what is shown is live. Without a script: of when it is.
fn live_state(page: &Rendered, frame: Frame<'_>) -> Markup {
    html! {
        div class="live" role="status" id="live-state" {
            @if page.live.is_some() { "As of " (clock::time(frame.now_ms)) }
        }
    }
}

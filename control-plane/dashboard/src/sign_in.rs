//! Who acts says who they are.

use maud::html;

use crate::part::{Parts, Rendered};
use crate::text;

/// The page. `next` is the path to go to afterwards.
#[must_use]
pub fn page(refusal: Option<&str>, next: &str) -> Rendered {
    let main = html! {
        h1 { "Sign in" }
        section class="card" {
            p { "To act, give a token of the admin listener. One of the http listener lets you look, where looking asks for it." }
            @if let Some(refusal) = refusal { p class="notice bad" role="alert" { (text::foreign(refusal)) } }
            form class="stack" method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input id="token" name="token" type="password" autocomplete="current-password" required aria-describedby="token-hint";
                p class="hint" id="token-hint" { "As in the configuration of the server. It is not kept: this browser gets a cookie that stands for you for 12 hours." }
                label for="name" { "Your name" }
                input id="name" name="name" autocomplete="username" maxlength="128" aria-describedby="name-hint";
                p class="hint" id="name-hint" { "The journal and the audit log show it beside the name of the token." }
                div class="actions" {
                    a class="button" href=(if is_own(next) { next } else { "/" }) { "Cancel" }
                    button class="go" type="submit" { "Sign in" }
                }
            }
        }
    };
    Rendered::new("Sign in".to_owned(), None, main, Parts::default())
}

/// Whether it is a path of this server: what begins with two slashes would be another one.
fn is_own(next: &str) -> bool {
    let mut bytes = next.bytes();
    bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'))
}

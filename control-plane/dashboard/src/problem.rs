//! Something is not there or does not work: what it is, and what to do next.

use maud::html;

use crate::part::{Parts, Rendered};
use crate::text;

/// The page of a status such as 404. `what` says what is wrong, `next` what to do, a sentence each.
#[must_use]
pub fn page(status: u16, what: &str, next: &str) -> Rendered {
    let title = match status {
        401 => "Not signed in",
        403 => "Not permitted",
        404 => "Not found",
        409 | 412 => "Not possible now",
        413 => "Too large",
        429 => "Too many at once",
        503 => "Not available",
        _ => "Something went wrong",
    };
    let main = html! {
        h1 { (title) }
        section class="card" {
            p class="lead" { (text::foreign(what)) }
            p { (text::foreign(next)) }
            p class="why" { "Status " (status) }
            div class="actions" {
                a class="button" href="/" { "All rollouts" }
                @if status == 401 { a class="button" href="/login" { "Sign in" } }
            }
        }
    };
    Rendered::new(title.to_owned(), None, main, Parts::default())
}

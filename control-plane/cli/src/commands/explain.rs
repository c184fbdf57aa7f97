//! `serin explain`: which arm a request would get, and why.
//!
//! The decision is made by the very code that runs in Envoy, on the live assignment or on one from a file. Where the
//! filter draws at random, the answer is not one draw but the chance of each arm.

mod chances;
mod reasoning;
mod request;

use serin_filter_core::arms::decide;
use serin_filter_core::router::Router;
use serin_proto::assignment::{self, Assignment, bounds};

use self::chances::chances;
use self::reasoning::Explanation;
use self::request::Asked;
use crate::arguments::{Connection, Explain};
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::input;
use crate::output::Output;

pub(super) async fn run(connection: &Connection, asked: &Explain, output: Output) -> Result<(), Failure> {
    let assignment = match &asked.assignment {
        Some(path) => assignment::parse(input::text(path, bounds::JSON_BYTES)?.as_bytes())
            .map_err(|error| Failure::usage(format!("{}: {error}", input::name(path))))?,
        None => live(connection).await?,
    };
    let request = Asked::new(asked);
    if request.named_an_arm {
        output.note("Envoy removes x-serin-arm from what clients send; it is ignored here too.");
    }
    let explanation = explain(&assignment, &request);
    output.show(&explanation, || explanation.sheet())
}

async fn live(connection: &Connection) -> Result<Assignment, Failure> {
    let json = Client::new(connection)?.assignment(String::new()).await?;
    assignment::parse(json.as_bytes()).map_err(|error| {
        Failure::new(Kind::Refused, format!("the server's assignment cannot be read: {error}"))
            .advise("use a client of the server's version")
    })
}

fn explain(assignment: &Assignment, request: &Asked) -> Explanation {
    let router = Router::new(assignment);
    // The first draw of all: only a request whose arm is drawn uses it, and `chances` takes that into account.
    let decision = decide(&router, request, &mut || 0);
    match decision.and_then(|decision| Some((assignment.services.get(decision.at.service)?, decision))) {
        Some((service, decision)) => {
            Explanation::of(assignment.generation, service, &decision, &chances(assignment, request))
        }
        None => Explanation::unclaimed(assignment, &request.host),
    }
}

#[cfg(test)]
mod tests;

//! `serin live`.

use serde::Serialize;

use super::block::live_table;
use crate::client::Client;
use crate::failure::Failure;
use crate::model::Live;
use crate::output::{Output, Sheet};

/// The JSON form.
#[derive(Serialize)]
struct Answer {
    live: Vec<Live>,
}

pub(super) async fn run(client: &Client, application: Option<String>, output: Output) -> Result<(), Failure> {
    let answer = Answer { live: client.live(application.clone().unwrap_or_default()).await? };
    output.show(&answer, || sheet(&answer.live, application.as_deref()))
}

fn sheet(live: &[Live], application: Option<&str>) -> Sheet {
    if live.is_empty() {
        let of = application.map_or_else(String::new, |application| format!(" of {application}"));
        return Sheet::of(&format!(
            "No rollout{of} says what is live. Start one with `serin rollout create -f plan.yaml`."
        ));
    }
    let mut sheet = Sheet::default();
    live_table(&mut sheet, live);
    sheet
}

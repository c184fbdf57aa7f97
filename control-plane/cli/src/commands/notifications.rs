//! `serin notifications`.

use std::time::SystemTime;

use serde::Serialize;

use crate::arguments::NotificationsAsk;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::model::{Delivery, Moment, NotificationTarget, Notifications};
use crate::output::{Output, Sheet, age, count};

/// The JSON form of `retry`.
#[derive(Serialize)]
struct Retried {
    retried: u64,
}

/// The JSON form of `test`.
#[derive(Serialize)]
struct Tested {
    target: String,
    delivered: bool,
}

pub(super) async fn run(
    client: &Client,
    ask: Option<NotificationsAsk>,
    output: Output,
) -> Result<(), Failure> {
    match ask.unwrap_or(NotificationsAsk::List) {
        NotificationsAsk::List => {
            let answer = client.notifications().await?;
            output.show(&answer, || sheet(&answer, SystemTime::now()))
        }
        NotificationsAsk::Retry { what } => {
            let retried = client.retry_notifications(what).await?;
            output.show(&Retried { retried }, || match retried {
                0 => Sheet::of("Nothing of it was given up."),
                1 => Sheet::of("1 message is sent again."),
                more => Sheet::of(&format!("{} messages are sent again.", count(more))),
            })
        }
        NotificationsAsk::Test { target } => match client.test_notification(target.clone()).await? {
            None => {
                let text = format!("{target} took the message.");
                output.show(&Tested { target, delivered: true }, || Sheet::of(&text))
            }
            Some(error) => {
                Err(Failure::new(Kind::Refused, format!("{target} did not take the message: {error}")))
            }
        },
    }
}

fn sheet(answer: &Notifications, now: SystemTime) -> Sheet {
    if answer.targets.is_empty() {
        return Sheet::of("Nobody is told: the server's configuration names no notifications.targets.");
    }
    let mut sheet = Sheet::default();
    let header = ["TARGET", "KIND", "STATE", "PENDING", "OLDEST", "DEAD", "LAST DELIVERED", "PLACE"];
    sheet.table(header, answer.targets.iter().map(|target| row(target, now)));
    for target in &answer.targets {
        if let Some(error) = &target.last_error {
            sheet.blank();
            sheet.line(&format!("{}: {error}", target.name));
        }
    }
    for (name, deliveries) in [("Pending", &answer.pending), ("Given up", &answer.dead)] {
        if !deliveries.is_empty() {
            sheet.blank();
            sheet.line(&format!("{name}:"));
            let header = ["ID", "TARGET", "SEVERITY", "AGE", "ATTEMPTS", "MESSAGE", "LAST ERROR"];
            sheet.table(header, deliveries.iter().map(|delivery| message(delivery, now)));
        }
    }
    sheet
}

fn row(target: &NotificationTarget, now: SystemTime) -> [String; 8] {
    [
        target.name.clone(),
        target.kind.clone(),
        target.state.label(),
        count(target.pending),
        since(target.oldest_pending_at.as_ref(), now).unwrap_or_default(),
        count(target.dead),
        since(target.last_delivered_at.as_ref(), now).unwrap_or_else(|| "not since the start".to_owned()),
        target.place.clone(),
    ]
}

fn message(delivery: &Delivery, now: SystemTime) -> [String; 7] {
    [
        delivery.id.to_string(),
        delivery.target.clone(),
        delivery.severity.clone(),
        since(delivery.created_at.as_ref(), now).unwrap_or_default(),
        delivery.attempts.to_string(),
        delivery.title.clone(),
        delivery.error.clone().unwrap_or_default(),
    ]
}

fn since(at: Option<&Moment>, now: SystemTime) -> Option<String> {
    at.map(|at| age(at.age(now)))
}

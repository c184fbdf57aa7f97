use prost::Message;
use tonic::Status;

use super::*;
use crate::assignment::{Board, Published};
use crate::fleet::Fleet;
use crate::store::Ledger;
use refusal::RpcStatus;

/// An intake with one rollout and a queue of one request.
fn intake() -> (Intake, mpsc::Receiver<LoggedCounts>) {
    let directory = Arc::new(Directory::default());
    count::tests::rollouts().into_iter().for_each(|rollout| directory.put(rollout.as_ref().clone()));
    let fleet = Arc::new(Fleet::new(Ledger::default(), Duration::from_secs(1)));
    let report = crate::assignment::report(&crate::Config::parse("", false).unwrap());
    let board = Arc::new(Board::new(Published { generation: 0, report, services: Vec::new() }));
    let metrics = Arc::new(Metrics::new(fleet, Arc::clone(&directory), Arc::clone(&board)));
    let (counted, queue) = mpsc::channel(1);
    let masker = serin_evidence::mask::Masker::new(false).unwrap();
    let (lines, samples) = (Lines::new(masker.clone(), None), Arc::new(Samples::new(masker)));
    let (calls, series) = (Arc::default(), Arc::default());
    (Intake::new(directory, metrics, (counted, lines), board, calls, samples, series), queue)
}

const FAILURE: &[u8] = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":17,
    "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[
    {"key":"serin.service","value":{"stringValue":"shop"}},{"key":"serin.block","value":{"stringValue":"tax"}},
    {"key":"serin.arm","value":{"stringValue":"canary"}}]}]}]}]}"#;

#[test]
fn a_full_queue_refuses_a_request_and_takes_it_when_it_comes_again() {
    let (intake, mut queue) = intake();
    let other =
        FAILURE.to_vec().iter().map(|byte| if *byte == b'5' { b'6' } else { *byte }).collect::<Vec<_>>();
    assert_eq!(intake.take_now(Signal::Logs, Encoding::Json, FAILURE), Ok(Answer { partial_success: None }));
    assert_eq!(intake.take_now(Signal::Logs, Encoding::Json, &other), Err(Refusal::Busy));
    assert_eq!(queue.try_recv().unwrap().failures[0].failed, 1);
    intake.take_now(Signal::Logs, Encoding::Json, FAILURE).unwrap();
    assert!(queue.try_recv().is_err(), "what was taken counts once");
    intake.take_now(Signal::Logs, Encoding::Json, &other).unwrap();
    assert_eq!(queue.try_recv().unwrap().failures[0].failed, 1);
}

#[tokio::test]
async fn a_request_that_finds_no_place_is_told_to_come_again() {
    let (intake, _queue) = intake();
    let mut places = Vec::new();
    for _ in 0..READING_MAX {
        places.push(intake.place().await.unwrap());
    }
    assert_eq!(intake.place().await.unwrap_err(), Refusal::Busy);
    places.pop();
    drop(intake.place().await.unwrap());
}

#[test]
fn only_what_may_come_again_says_when() {
    let busy = Status::from(Refusal::Busy);
    let details = RpcStatus::decode(busy.details()).unwrap();
    assert_eq!(details.code, tonic::Code::ResourceExhausted as i32);
    assert_eq!(details.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    assert!(Status::from(Refusal::TooLarge).details().is_empty());
}

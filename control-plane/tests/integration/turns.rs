//! Rollouts that take turns, and windows of time that a person overrides.

use serin_control_plane::{Config, Running, start};
use serin_proto::admin::v1::*;
use tempfile::TempDir;
use tonic::Code;

use crate::support::*;
use crate::trains::{Trains, begun, reaches, trains_at};

const CLOSED: &str = "calendar: {windows: [{name: freeze, from: 2020-01-01T00:00, effect: forbid}]}\n";

async fn limited(folder: &TempDir, limits: &str) -> (Running, Admin) {
    let config = Config::parse(&format!("{}limits: {limits}\n", yaml(folder.path())), false).unwrap();
    let running = start(&config).await.unwrap();
    let admin = admin(running.addresses).await;
    (running, admin)
}

async fn begin(admin: &mut Admin, plan_yaml: String, paused: bool) -> Rollout {
    admin.create(CreateRequest { plan_yaml, paused }).await.unwrap().into_inner().rollout.unwrap()
}

async fn roll_back(admin: &mut Admin, id: &str) {
    let (id, reason) = (id.to_owned(), "enough".to_owned());
    admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await.unwrap();
}

async fn resume(admin: &mut Admin, id: &str) -> Result<Rollout, tonic::Status> {
    let request = ResumeRequest { id: id.to_owned(), reason: "now".to_owned() };
    Ok(admin.resume(request).await?.into_inner().rollout.unwrap())
}

#[tokio::test]
async fn a_rollout_beyond_the_limit_waits_for_its_turn_and_a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (running, mut admin) = limited(&folder, "{rollouts: 1}").await;
    let first = begin(&mut admin, plan("shop"), false).await;
    let second = begin(&mut admin, plan("stock"), false).await;
    let third = begin(&mut admin, plan("payments"), true).await;
    assert_eq!((first.phase(), first.weight_ppm), (Phase::WarmingUp, 200_000));
    assert_eq!((second.phase(), second.weight_ppm), (Phase::Paused, 0));
    assert_eq!(second.summary, "Waiting for its turn: 1 rollouts may run at once");
    assert_eq!(third.summary, "Paused by a person at 0 % during the warm-up");
    let third = resume(&mut admin, &third.id).await.unwrap();
    assert_eq!((third.weight_ppm, third.summary), (0, second.summary.clone()));

    running.stop().await;
    let (running, mut admin) = limited(&folder, "{rollouts: 1}").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(get(&mut admin, &second.id).await.revision, second.revision);
    roll_back(&mut admin, &first.id).await;
    let begun = |rollout: &Rollout| rollout.weight_ppm > 0;
    eventually(&mut admin, &second.id, begun).await;
    assert_eq!(get(&mut admin, &third.id).await.weight_ppm, 0);
    // A person lets it begin out of turn.
    let third = resume(&mut admin, &third.id).await.unwrap();
    assert_eq!((third.phase(), third.weight_ppm), (Phase::WarmingUp, 200_000));
    running.stop().await;
}

#[tokio::test]
async fn rollouts_of_one_group_take_turns_and_others_do_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (running, mut admin) = limited(&folder, "{per_group: 2}").await;
    let of =
        |service: &str, group: &str| format!("{}concurrency: {{group: {group}, max: 1}}\n", plan(service));
    let first = begin(&mut admin, of("shop", "eu"), false).await;
    let second = begin(&mut admin, of("stock", "eu"), false).await;
    let other = begin(&mut admin, of("payments", "us"), false).await;
    let free = begin(&mut admin, plan("search"), false).await;
    assert_eq!(second.summary, "Waiting for its turn: 1 of group eu may run at once");
    assert!(first.weight_ppm > 0 && other.weight_ppm > 0 && free.weight_ppm > 0);
    roll_back(&mut admin, &first.id).await;
    eventually(&mut admin, &second.id, |rollout| rollout.phase() == Phase::WarmingUp).await;
    running.stop().await;
}

/// A train of services that name a group each, or none.
async fn train_of(trains: &mut Trains, members: &[(&str, &str)]) -> Train {
    let of = |(service, group): &(&str, &str)| {
        let group = if group.is_empty() {
            String::new()
        } else {
            format!("concurrency: {{group: {group}, max: 1}}\n")
        };
        (format!("{service}.yaml"), format!("{}{group}", plan(service)))
    };
    let names = members.iter().map(|(service, _)| format!("{{service: {service}, plan: {service}.yaml}}"));
    let names = names.collect::<Vec<_>>().join(", ");
    let train_yaml = format!("kind: train\nname: sale\ntogether: true\nmembers: [{names}]\n");
    let request = CreateTrainRequest { train_yaml, plans: members.iter().map(of).collect() };
    trains.create_train(request).await.unwrap().into_inner().train.unwrap()
}

#[tokio::test]
async fn a_train_takes_its_turn_as_a_whole_keeps_its_place_over_a_restart_and_waits_for_nobody_in_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (running, mut admin) = limited(&folder, "{rollouts: 2}").await;
    let mut trains = trains_at(running.addresses).await;
    let of =
        |service: &str, group: &str| format!("{}concurrency: {{group: {group}, max: 1}}\n", plan(service));
    let first = begin(&mut admin, of("shop", "eu"), false).await;
    let train = train_of(&mut trains, &[("stock", "eu"), ("pay", "eu"), ("cart", "us")]).await;
    let full = "1 of group eu may run at once";
    assert_eq!((train.phase(), train.waits_because.as_str()), (TrainPhase::Waiting, full));
    assert_eq!(begun(&train), Vec::<&str>::new());
    // It keeps its places: one who comes later waits, though nobody runs in that group.
    let later = begin(&mut admin, of("search", "us"), false).await;
    assert_eq!(later.summary, "Waiting for its turn: 1 of group us may run at once");
    let other = begin(&mut admin, plan("free"), false).await;
    assert!(other.weight_ppm > 0, "it waits for no group: {}", other.summary);
    roll_back(&mut admin, &other.id).await;

    running.stop().await;
    let (running, mut admin) = limited(&folder, "{rollouts: 2}").await;
    let mut trains = trains_at(running.addresses).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    reaches(&mut trains, |train| train.phase() == TrainPhase::Waiting && begun(train).is_empty()).await;
    roll_back(&mut admin, &first.id).await;
    let train = reaches(&mut trains, |train| begun(train).len() == 3).await;
    assert_eq!((train.phase(), train.waits_because.as_str()), (TrainPhase::Running, ""));
    // Three members take one place of two.
    let second = begin(&mut admin, plan("second"), false).await;
    assert!(second.weight_ppm > 0, "{}", second.summary);
    let third = begin(&mut admin, plan("third"), false).await;
    assert_eq!(third.summary, "Waiting for its turn: 2 rollouts may run at once");
    assert_eq!(get(&mut admin, &later.id).await.weight_ppm, 0);

    let obeying = tokio::spawn(obey(fleet(running.addresses).await, &["stock", "pay", "cart"]));
    let request = RollbackTrainRequest { id: "sale".to_owned(), reason: "enough".to_owned() };
    trains.rollback_train(request).await.unwrap();
    reaches(&mut trains, |train| train.phase() == TrainPhase::RolledBack).await;
    obeying.abort();
    eventually(&mut admin, &later.id, |rollout| rollout.weight_ppm > 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_window_forbids_a_rollout_until_a_person_overrides_it() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let plan_yaml = format!("{}{CLOSED}", plan("shop"));
    let refused =
        admin.create(CreateRequest { plan_yaml: plan_yaml.clone(), paused: false }).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let words = "cannot create a rollout now: window freeze (from 2020-01-01T00:00, UTC) forbids it; wait until it closes, or override it with a reason";
    assert_eq!(refused.message(), words);
    let rollout = begin(&mut admin, plan_yaml, true).await;
    let refused = resume(&mut admin, &rollout.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let nothing = OverrideWindowsRequest { id: rollout.id.clone(), reason: String::new() };
    assert_eq!(admin.override_windows(nothing).await.unwrap_err().code(), Code::InvalidArgument);
    let request = OverrideWindowsRequest { id: rollout.id.clone(), reason: "a fix".to_owned() };
    admin.override_windows(request).await.unwrap();
    let rollout = resume(&mut admin, &rollout.id).await.unwrap();
    assert_eq!((rollout.phase(), rollout.weight_ppm), (Phase::WarmingUp, 200_000));
    let request = ListEventsRequest { rollout_id: rollout.id.clone(), ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
    assert!(texts.contains(&"Overrode freeze until closed: a fix"), "{texts:?}");
}

#[tokio::test]
async fn a_policy_and_a_rollback_in_stages_go_through_the_server() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let policy = "policies: [{name: ours, when: 'step.elapsed_s >= 1', then: rollback}]\n\
                  rollback: {mode: gradual, stages: [50%], stage: 1s, deadline: 30s}\n";
    let rollout = begin(&mut admin, format!("{}{policy}", plan("shop")), false).await;
    let staged = eventually(&mut admin, &rollout.id, |rollout| rollout.phase() == Phase::RollingBack).await;
    assert_eq!(staged.weight_ppm, 100_000);
    assert!(staged.summary.starts_with("Rolling back, 10 % left, all on v1 in "), "{}", staged.summary);
    let ended = eventually(&mut admin, &rollout.id, |rollout| rollout.phase() == Phase::RolledBack).await;
    assert_eq!(ended.weight_ppm, 0);
    assert!(
        ended.summary.starts_with("Rolled back: policy ours asks for it (step.elapsed_s = "),
        "{}",
        ended.summary
    );
}

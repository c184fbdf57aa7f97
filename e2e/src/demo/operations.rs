//! Three services go out as one release, with a change of a schema; the second regresses, and everything moves back.
//!
//! A person creates the train, opens a gate and answers the one question that is asked, by the command line. Everything else is
//! the control plane's doing: the order forth and back, the schema, the hooks, who is told.

mod operator;
mod orders;
mod receivers;
mod report;
mod services;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use serin_proto::admin::v1::{Phase, Rollout};

use self::operator::Operator;
use self::orders::Orders;
use self::receivers::Receivers;
pub(super) use self::report::Report;
use self::services::{CANARY_VERSION, NAMES, Services, is_canary};
use super::bad::milliseconds_between;
use super::control::{Control, Event};
use super::stage::Folder;
use super::{Scene, Screen, Stage, Theatre, is_not_of_the_service, stage};
use crate::load::{Load, Plan, Summary};
use crate::sample::fault::{EVERY_ROUTE, Faults, Kind};
use crate::workspace::Workspace;

/// The train and the plans of its members.
const FILES: [(&str, &str); 4] = [
    ("train.yaml", include_str!("../../demo/operations/train.yaml")),
    ("stock.yaml", include_str!("../../demo/operations/stock.yaml")),
    ("shop.yaml", include_str!("../../demo/operations/shop.yaml")),
    ("payments.yaml", include_str!("../../demo/operations/payments.yaml")),
];
/// Name of the train.
const TRAIN: &str = "spring-sale";
/// The service that regresses.
const BAD: &str = "shop";
/// Rate over all services.
const REQUESTS_PER_SECOND: f64 = 900.0;
/// Part of its canary's answers that fail.
const SHARE: f64 = 0.3;
/// How long all canaries serve without a fault.
const HEALTHY_FOR: Duration = Duration::from_secs(6);
/// How long one step forth may take,
const STEP_DEADLINE: Duration = Duration::from_secs(40);
/// the decision,
const DECISION_DEADLINE: Duration = Duration::from_secs(30);
/// and one step back.
const RETURN_DEADLINE: Duration = Duration::from_secs(90);
/// How long a message may take.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(20);
/// How long canaries must be silent.
const WATCH: Duration = Duration::from_secs(3);
/// Where the post-mortem is written.
const POSTMORTEM: &str = "post-mortem.md";

/// Everybody who takes part besides Envoy, its clients and the control plane.
struct Cast {
    services: Services,
    orders: Orders,
    receivers: Receivers,
}

/// Plays it with what was built, and tells what was observed.
pub(super) async fn play(workspace: &Workspace, screen: &Screen) -> Result<(Report, Theatre)> {
    let folder = Folder::make(workspace)?;
    let path = folder.path().to_owned();
    for (name, text) in FILES {
        std::fs::write(path.join(name), text)?;
    }
    let orders = Orders::open(workspace, screen).await?;
    let receivers = Receivers::open(workspace, &path).await?;
    let mut cast = Cast { services: Services::open().await?, orders, receivers };
    let more = cast.receivers.configuration(&path, &cast.orders);
    let before = |bootstrap| cast.services.before(bootstrap);
    let (mut stage, control) = Stage::build(workspace, folder, more, before).await?;
    let plan =
        Plan { targets: services::targets(), ..Plan::of_shop(stage.envoy.address(), REQUESTS_PER_SECOND) };
    super::introduce(screen, &stage, &plan, "three services");
    let load = Load::start(plan.clone())?;
    let (began, start) = (SystemTime::now(), Instant::now());
    let scene = Scene { screen, stage: &stage, control: &control, load: &load, began, services: NAMES };
    let operator = Operator::new(workspace, screen, &stage.control_plane, &path)?;
    let played = super::shown(scene, acts(scene, &mut cast, &operator, &path)).await;
    let mut report = played.map_err(|error| error.context(stage.tails()))?;
    let summary = load.stop().await?;
    report.seconds = start.elapsed().as_secs_f64();
    report.requests = summary.total(|_| true);
    report.requests_failed_by_serin = summary.total(is_not_of_the_service);
    report.commit = super::commit();
    report.envoy_version = stage::envoy_version(&stage.envoy).await?;
    report.ok = report.failures().is_empty();
    super::close(screen, &report.table(), &report.failures());
    Ok((report, Theatre { stage, control, plan, services: NAMES, _set: Box::new(cast) }))
}

async fn acts(scene: Scene<'_>, cast: &mut Cast, operator: &Operator<'_>, folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    scene
        .screen
        .line("\nForth: three services, one after the other; the shop's database gets its new schema first.");
    forth(scene, cast, operator, &mut report).await?;
    scene.screen.line("\nBack: the shop's new version begins to fail.");
    let decided = fault(scene, cast, &mut report).await?;
    let Some(decided) = decided else { return Ok(report) };
    returned(scene, &decided, &mut report).await?;
    told(cast, &decided, &mut report).await?;
    schema_back(scene, cast, operator, &mut report).await?;
    verified(scene.control, &decided, &mut report).await?;
    report.hooks = cast.receivers.hooks();
    scene.screen.line("\nAfterwards: what there is to read.");
    written(operator, folder, &mut report).await?;
    let count = cast.orders.count().await?;
    (report.orders_taken, report.orders_found, report.orders_refused) =
        (count.taken, count.found, count.refused);
    report.schema_is_old = cast.orders.is_old().await?;
    Ok(report)
}

/// All three canaries get their traffic, in the order of the train.
async fn forth(scene: Scene<'_>, cast: &Cast, operator: &Operator<'_>, report: &mut Report) -> Result<()> {
    let Scene { control, load, .. } = scene;
    operator.runs(&["train", "create", "-f", "train.yaml"]).await?;
    ensure!(cast.orders.until(false, STEP_DEADLINE).await?, "the schema does not change");
    progressing(control, BAD).await?;
    let schema_at = cast.orders.changed_at().await?;
    let reason = "support is ready";
    operator.runs(&["train", "approve", TRAIN, "--before", "payments", "--reason", reason]).await?;
    progressing(control, "payments").await?;
    tokio::time::sleep(HEALTHY_FOR).await;
    let seen = load.snapshot();
    let mut firsts: Vec<(SystemTime, &str)> =
        NAMES.iter().filter_map(|service| Some((span(&seen, service)?.0, *service))).collect();
    firsts.sort_unstable();
    report.began = firsts.iter().map(|(_, service)| (*service).to_owned()).collect();
    let first = span(&seen, BAD).map(|(first, _)| first);
    report.schema_to_first_canary_answer_ms = first.and_then(|first| milliseconds_between(schema_at, first));
    Ok(())
}

async fn progressing(control: &Control, service: &str) -> Result<()> {
    let there = |rollout: &Rollout| rollout.phase() == Phase::Progressing;
    ensure!(
        control.until_of(service, STEP_DEADLINE, there).await?.is_some(),
        "{service} is not on its way after {} s",
        STEP_DEADLINE.as_secs()
    );
    Ok(())
}

/// First and last answer of a service's canary.
fn span(summary: &Summary, service: &str) -> Option<(SystemTime, SystemTime)> {
    let seen = || summary.seen.iter().filter(|(key, _)| is_canary(key, service)).map(|(_, seen)| seen);
    Some((seen().map(|seen| seen.first).min()?, seen().map(|seen| seen.last).max()?))
}

/// The shop's canary fails until it is decided on.
async fn fault(scene: Scene<'_>, cast: &Cast, report: &mut Report) -> Result<Option<Event>> {
    let sequence = scene.control.last_sequence().await?;
    let fault_at = SystemTime::now();
    cast.services.of(BAD)?.canary().set_faults(Faults::one(EVERY_ROUTE, SHARE, Kind::Status(500)));
    let percent = SHARE * 100.0;
    scene.screen.line(&format!(
        "          {percent:.0} % of {BAD} {CANARY_VERSION}'s answers are errors from now on"
    ));
    let decided = scene.control.event(sequence, DECISION_DEADLINE, is_rollback).await?;
    report.fault_to_decision_ms = decided.as_ref().and_then(|event| milliseconds_between(fault_at, event.at));
    Ok(decided)
}

fn is_rollback(event: &Event) -> bool {
    event.kind == "rolled_back"
}

/// All three are back, and no canary answers any more.
async fn returned(scene: Scene<'_>, decided: &Event, report: &mut Report) -> Result<()> {
    let Scene { control, load, .. } = scene;
    for service in NAMES {
        let back = |rollout: &Rollout| matches!(rollout.phase(), Phase::RolledBack | Phase::RollingBack);
        control.until_of(service, RETURN_DEADLINE, back).await?;
    }
    let events = control.events_after(decided.sequence.saturating_sub(1)).await?;
    let returned: Vec<&Event> = events.iter().filter(|event| is_rollback(event)).collect();
    report.returned = returned.iter().map(|event| event.service().to_owned()).collect();
    let by_hand = returned.iter().filter(|event| event.actor != decided.actor);
    report.returned_by_hand = by_hand.map(|event| event.service().to_owned()).collect();
    report.decision_to_all_returned_ms =
        returned.last().and_then(|event| milliseconds_between(decided.at, event.at));
    // What was under way when the decision came ends where it began.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = services::canary_answers(&load.snapshot());
    tokio::time::sleep(WATCH).await;
    let seen = load.snapshot();
    report.canary_answers_after = services::canary_answers(&seen) - start;
    let last = NAMES.iter().filter_map(|service| span(&seen, service)).map(|(_, last)| last).max();
    report.decision_to_last_canary_answer_ms = last.and_then(|last| milliseconds_between(decided.at, last));
    Ok(())
}

/// Webhook, page and letter arrived.
async fn told(cast: &Cast, decided: &Event, report: &mut Report) -> Result<()> {
    let since = |at: Option<SystemTime>| at.and_then(|at| milliseconds_between(decided.at, at));
    let receivers = &cast.receivers;
    report.decision_to_webhook_ms = since(receivers.webhook(&decided.rollout, MESSAGE_DEADLINE).await);
    report.decision_to_page_ms = since(receivers.page(BAD, MESSAGE_DEADLINE).await);
    report.decision_to_letter_ms = since(receivers.letter(BAD, MESSAGE_DEADLINE).await?);
    Ok(())
}

/// The way down asks a person, since it takes a column away.
async fn schema_back(
    scene: Scene<'_>,
    cast: &Cast,
    operator: &Operator<'_>,
    report: &mut Report,
) -> Result<()> {
    let Scene { control, load, .. } = scene;
    let asks = |rollout: &Rollout| {
        rollout
            .hooks
            .iter()
            .any(|hook| hook.state == "failed" && hook.said.contains("needs an approval of the loss of data"))
    };
    let asked = control.until_of(BAD, RETURN_DEADLINE, asks).await?;
    report.schema_waited_for_approval = asked.is_some() && !cast.orders.is_old().await?;
    let before = load.snapshot().total(|key| is_canary(key, BAD));
    let reason = "the column is of v2 alone";
    operator.runs(&["rollout", "approve", BAD, "--data-loss", "--reason", reason]).await?;
    cast.orders.until(true, RETURN_DEADLINE).await?;
    tokio::time::sleep(WATCH).await;
    report.canary_answers_without_schema = load.snapshot().total(|key| is_canary(key, BAD)) - before;
    Ok(())
}

/// The last stage of the rollback says that the baseline carries the load.
async fn verified(control: &Control, decided: &Event, report: &mut Report) -> Result<()> {
    let is_verified = |event: &Event| {
        event.rollout == decided.rollout && event.stage == Some(("verify".to_owned(), "done".to_owned()))
    };
    let event = control.event(decided.sequence, RETURN_DEADLINE, is_verified).await?;
    report.decision_to_verified_ms = event.and_then(|event| milliseconds_between(decided.at, event.at));
    Ok(())
}

/// The post-mortem is written, and the evidence and the audit log are whole.
async fn written(operator: &Operator<'_>, folder: &Path, report: &mut Report) -> Result<()> {
    operator.runs(&["postmortem", BAD, "-o", POSTMORTEM]).await?;
    let text = std::fs::read_to_string(folder.join(POSTMORTEM))?;
    report.postmortem_bytes = text.len() as u64;
    let charts = ["errors", "evidence", "weight"].map(|chart| format!("post-mortem-{chart}.svg"));
    report.postmortem_charts = charts.iter().filter(|chart| folder.join(chart).is_file()).count();
    let mut wanted = vec![BAD, CANARY_VERSION, "Rolled back the whole version"];
    wanted.extend(charts.iter().map(String::as_str));
    report.postmortem_lacks =
        wanted.into_iter().filter(|part| !text.contains(part)).map(str::to_owned).collect();
    let last_line = |text: String| text.lines().last().unwrap_or_default().to_owned();
    report.evidence = last_line(operator.runs(&["evidence", "verify"]).await?);
    report.audit = last_line(operator.runs(&["audit", "verify"]).await?);
    Ok(())
}

//! Asks in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serin_analysis::Arm;
use serin_probe::{Due, Prober, Schedule, target_of_probe, target_of_query};
use serin_rollout::outside::{About, CheckAnswer, QueryAnswer, Told};
use serin_rollout::plan::{Probe, QuerySource};
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use super::{AT_ONCE, AT_ONCE_PER_TARGET, Hearing, Running, Watched};
use crate::clock;
use crate::series::SharedSeries;
use crate::shutdown::Ending;

/// Nothing is due: so long until that is looked at again.
const IDLE: Duration = Duration::from_secs(1);

/// One thing that is asked in turn, of one rollout.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    rollout: String,
    asked: Asked,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Asked {
    Query(String),
    Check(String, Arm),
}

/// What is asked, and how long an answer may take.
enum Question {
    Query(QuerySource, Duration),
    Check(Probe, Duration),
}

/// The task that asks.
#[derive(Debug)]
pub(crate) struct Asker {
    prober: Prober,
    series: Arc<SharedSeries>,
    running: Running,
    hearing: Hearing,
    schedule: Schedule<Key>,
    under_way: HashMap<Id, Key>,
}

impl Asker {
    pub(crate) fn new(prober: Prober, series: Arc<SharedSeries>, running: Running, hearing: Hearing) -> Self {
        Self {
            prober,
            series,
            running,
            hearing,
            schedule: Schedule::new(AT_ONCE_PER_TARGET),
            under_way: HashMap::new(),
        }
    }

    /// Works until `ending` says true.
    pub(crate) async fn run(mut self, mut ending: Ending) {
        let mut questions: JoinSet<Option<Told>> = JoinSet::new();
        self.follow();
        loop {
            self.ask(&mut questions);
            let now = clock::now().0;
            let wait =
                self.schedule.next_ms().map_or(IDLE, |next| Duration::from_millis(next.saturating_sub(now)));
            let is_full = questions.len() >= AT_ONCE;
            tokio::select! {
                () = ending.begun() => break,
                changed = self.running.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.follow();
                }
                Some(ended) = questions.join_next_with_id(), if !questions.is_empty() => {
                    let (id, told) = match ended {
                        Ok((id, told)) => (id, told),
                        Err(error) => {
                            tracing::error!(%error, "a question ended without an answer");
                            (error.id(), None)
                        }
                    };
                    self.finish(id, told);
                }
                () = sleep(wait.min(IDLE)), if !is_full => {}
            }
        }
    }

    /// Takes over who runs.
    fn follow(&mut self) {
        let (wanted, now) = {
            let running = self.running.borrow_and_update();
            let now = clock::now();
            let queries = running.iter().flat_map(|watched| watched.plan.queries());
            let of_metrics = queries.filter_map(|query| match &query.source {
                QuerySource::Otlp(asked) => Some(asked),
                QuerySource::Prometheus { .. } | QuerySource::Webhook | QuerySource::Alert { .. } => None,
            });
            self.series.ask(of_metrics, now);
            (running.iter().flat_map(wanted).collect(), now.0)
        };
        self.schedule.follow(wanted, now, draw);
    }

    fn ask(&mut self, questions: &mut JoinSet<Option<Told>>) {
        let room = AT_ONCE.saturating_sub(questions.len());
        for key in self.schedule.due(clock::now().0, room) {
            let question = question(&self.running.borrow(), &key);
            let Some(question) = question else {
                self.schedule.finished(&key, clock::now().0, 0.5);
                continue;
            };
            let (prober, series, asked) = (self.prober.clone(), Arc::clone(&self.series), key.asked.clone());
            let task = questions.spawn(async move {
                let about = answer(&prober, &series, question, asked).await?;
                Some(Told { at: clock::now(), about })
            });
            self.under_way.insert(task.id(), key);
        }
    }

    fn finish(&mut self, id: Id, told: Option<Told>) {
        let Some(key) = self.under_way.remove(&id) else { return };
        self.schedule.finished(&key, clock::now().0, draw());
        if let Some(told) = told {
            self.hearing.tell(&key.rollout, told);
        }
    }
}

async fn answer(prober: &Prober, series: &SharedSeries, question: Question, asked: Asked) -> Option<About> {
    match (question, asked) {
        (Question::Query(QuerySource::Otlp(query), _), Asked::Query(name)) => {
            Some(About::Query { name, answer: series.read(&query, clock::now()) })
        }
        (Question::Query(source, within), Asked::Query(name)) => {
            let answer: QueryAnswer = prober.query(&source, within).await?;
            Some(About::Query { name, answer })
        }
        (Question::Check(probe, within), Asked::Check(name, arm)) => {
            let answer: CheckAnswer = prober.check(&probe, within).await;
            Some(About::Check { name, arm, answer })
        }
        _ => None,
    }
}

/// What is asked for one rollout, and how often.
fn wanted(watched: &Watched) -> Vec<(Key, Due)> {
    let key = |asked| Key { rollout: watched.id.clone(), asked };
    let queries = watched.plan.queries().iter().filter_map(|query| {
        let target = target_of_query(&query.source)?;
        let due = Due { interval: query.every, jitter: 0.0, target };
        Some((key(Asked::Query(query.name.clone())), due))
    });
    let health = watched.plan.health();
    let jitter = f64::from(health.jitter.ppm()) / 1e6;
    let checks = health.checks.iter().flat_map(|check| {
        let arms = [(Arm::Canary, Some(&check.canary)), (Arm::Baseline, check.baseline.as_ref())];
        arms.into_iter().filter_map(move |(arm, probe)| {
            let due = Due { interval: health.interval, jitter, target: target_of_probe(probe?) };
            Some((Asked::Check(check.name.clone(), arm), due))
        })
    });
    queries.chain(checks.map(|(asked, due)| (key(asked), due))).collect()
}

/// `None`: its rollout does not run any more.
fn question(running: &[Watched], key: &Key) -> Option<Question> {
    let plan = &running.iter().find(|watched| watched.id == key.rollout)?.plan;
    match &key.asked {
        Asked::Query(name) => {
            let query = plan.queries().iter().find(|query| query.name == *name)?;
            Some(Question::Query(query.source.clone(), query.timeout))
        }
        Asked::Check(name, arm) => {
            let health = plan.health();
            let check = health.checks.iter().find(|check| check.name == *name)?;
            let probe = match arm {
                Arm::Canary => Some(&check.canary),
                Arm::Baseline => check.baseline.as_ref(),
            };
            Some(Question::Check(probe?.clone(), health.timeout))
        }
    }
}

/// From 0 to 1. Without randomness questions are asked without jitter.
fn draw() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

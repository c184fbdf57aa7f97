//! A fleet, request by request: the product's own filter cores and control plane on a virtual clock.
//!
//! Each simulated Envoy holds a real `serin_filter_core::filter::Filter` for each worker and one for its main thread.
//! These decide each request's arm from the assignment that they were last told, record it, and report; [`control`]
//! takes the reports by the product's ingest, judges by its engine, and decides by its rules; what it decides goes back to
//! the Envoys. Between them lies a network that loses, repeats, delays and reorders ([`setup`]), and both ends die and come
//! back.
//!
//! One queue orders all that happens by time, and everything that is drawn is drawn from a seed, so a run can be repeated
//! bit for bit. What is served is counted beside the filters ([`account`]), to be compared with what the control plane
//! counts. Nothing here reads a clock, opens a socket or waits.

pub mod account;
mod control;
mod envoy;
mod messages;
mod queue;
mod serving;
pub mod setup;
mod shown;
mod traffic;
mod trouble;
pub mod watch;

pub use shown::{Decision, Failures, Reckoning};

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serin_analysis::{Arm, Learned};
use serin_control_plane::rollouts;
use serin_control_plane::store::SqliteStore;
use serin_rollout::{Creation, Plan, RolloutId, Salt, UnixMillis};

use self::account::Account;
use self::control::{Caller, ControlPlane, Decided};
use self::envoy::{Envoy, Outcome, VmId};
use self::queue::Queue;
use self::setup::Setup;
use self::traffic::{Request, Traffic};
use self::trouble::Return;
use crate::latency::Latencies;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::serin::Deeds;
use crate::world::{EPOCH, fingerprint};

const MILLISECOND_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MILLISECOND_NS;
/// Time between two ticks of a VM.
const TICK_NS: u64 = 100 * MILLISECOND_NS;
/// Wall clocks of Envoys are wrong by up to this.
const CLOCK_ERROR_NS: u64 = 20 * MILLISECOND_NS;

/// A fleet, its traffic and its control plane.
#[derive(Debug)]
pub struct Fleet<'a> {
    setup: Setup,
    traffic: Traffic<'a>,
    envoys: Vec<Envoy>,
    accounts: Vec<Account>,
    control: Option<ControlPlane>,
    /// Lives of the control plane so far.
    control_life: u32,
    /// What survives a crash of the control plane.
    store: SqliteStore,
    /// Whether a write of the ledger, or a judgement after news, is arranged.
    is_flush_due: bool,
    is_news_due: bool,
    judged_ns: u64,
    queue: Queue<Happening>,
    arrivals: VecDeque<Request>,
    random: Random,
    now_ns: u64,
    /// Unix second of second 0.
    start: u64,
    /// Second in which the canary gets its first requests.
    exposed_from: Option<u64>,
    /// Clients send nothing.
    is_quiet: bool,
    weight_ppm: u32,
    deeds: Deeds,
    failures: Failures,
    log: Option<Vec<Decision>>,
    hosts: Vec<String>,
    paths: Vec<String>,
}

/// Something that happens.
#[derive(Debug)]
enum Happening {
    Second(u64),
    Again(Box<Request>),
    End { vm: VmId, context: u32, request: Box<Request>, arm: Arm, ends: Ends },
    Tick { vm: VmId, root: u32 },
    Sent { caller: Caller, body: Rc<[u8]> },
    Answered { caller: Caller, seq: u64 },
    Closed { caller: Caller, status: u32 },
    Subscribe { envoy: usize, life: u32 },
    Push { envoy: usize, life: u32, generation: u64, json: Rc<str> },
    Configure { vm: VmId, generation: u64, json: Rc<str> },
    Flush { life: u32 },
    News { life: u32 },
    ControlTick { life: u32 },
    Trouble(usize),
    Returns(Return),
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    outcome: Outcome,
    host: usize,
    is_recorded: bool,
}

impl<'a> Fleet<'a> {
    /// The fleet of run `run` of `scenario` under `seed`. At second 0 a rollout by `plan` is created, paused, with what an
    /// earlier one taught.
    ///
    /// # Errors
    /// When the plan is refused.
    pub fn new(
        scenario: &'a Scenario,
        latencies: &'a Latencies,
        setup: Setup,
        plan: &str,
        learned: &Learned,
        (seed, run): (u64, u64),
    ) -> Result<Self> {
        let stream = fingerprint(scenario.id).wrapping_add(run);
        let mut random = Random::new(seed, stream ^ FLEET_STREAM);
        let start = EPOCH + random.below(60);
        let traffic = Traffic::new(scenario, latencies, &setup, Random::new(seed, stream ^ TRAFFIC_STREAM));
        let hosts =
            (0..scenario.surroundings.hosts).map(|host| format!("10.0.0.{}:8080", host + 1)).collect();
        let paths = (0..scenario.popularity.routes()).map(|route| format!("/route-{}", route + 1)).collect();
        let clock =
            |random: &mut Random| start * SECOND_NS + random.below(2 * CLOCK_ERROR_NS) - CLOCK_ERROR_NS;
        let envoys = (0..setup.envoys).map(|place| Envoy::new(place, clock(&mut random))).collect();
        let mut store = SqliteStore::in_memory()?;
        let control = ControlPlane::restore(&mut store)?;
        let mut fleet = Self {
            setup,
            traffic,
            envoys,
            accounts: Vec::new(),
            control: Some(control),
            control_life: 1,
            store,
            is_flush_due: false,
            is_news_due: false,
            judged_ns: 0,
            queue: Queue::new(),
            arrivals: VecDeque::new(),
            random,
            now_ns: 0,
            start,
            exposed_from: None,
            is_quiet: false,
            weight_ppm: 0,
            deeds: Deeds::default(),
            failures: Failures::default(),
            log: None,
            hosts,
            paths,
        };
        fleet.begin(plan, learned)?;
        Ok(fleet)
    }

    fn begin(&mut self, plan: &str, learned: &Learned) -> Result<()> {
        let plan = Plan::parse(plan).map_err(|errors| anyhow!("the plan is refused: {errors}"))?;
        let salt = u128::from(self.random.bits()) << 64 | u128::from(self.random.bits());
        let creation = Creation {
            id: RolloutId(ROLLOUT.to_owned()),
            salt: Salt(salt),
            actor: "simulation".to_owned(),
            paused: true,
        };
        let now = self.unix();
        let Self { control, store, .. } = self;
        if let Some(control) = control {
            let decided = control.create(plan, creation, learned, store, now)?;
            self.decided(&decided)?;
        }
        (0..self.envoys.len()).for_each(|envoy| self.start_envoy(envoy));
        self.queue.at(0, Happening::Second(0));
        let first_tick = self.random.below(SECOND_NS);
        self.queue.at(first_tick, Happening::ControlTick { life: self.control_life });
        for (number, (second, _)) in self.setup.troubles.iter().enumerate() {
            self.queue.at(second * SECOND_NS, Happening::Trouble(number));
        }
        Ok(())
    }

    /// Lets everything happen before the end of `second`, from the creation of the rollout on.
    ///
    /// # Errors
    /// When a part of the product refuses what another one says.
    pub fn run_until(&mut self, second: u64) -> Result<()> {
        let end_ns = second * SECOND_NS;
        loop {
            let arrival = self.arrivals.front().map(|request| request.at_ns);
            let arranged = self.queue.next_ns();
            let next = arrival.into_iter().chain(arranged).min();
            let Some(next) = next.filter(|next| *next < end_ns) else { break };
            self.now_ns = next;
            if arrival == Some(next) {
                if let Some(request) = self.arrivals.pop_front() {
                    self.serve(&request)?;
                }
            } else if let Some((_, what)) = self.queue.pop() {
                self.happen(what)?;
            }
        }
        self.now_ns = end_ns;
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Result<()> {
        match what {
            Happening::Second(second) => self.second(second),
            Happening::Again(request) => self.serve(&request)?,
            Happening::End { vm, context, request, arm, ends } => self.end(vm, context, &request, arm, ends),
            Happening::Tick { vm, root } => self.tick(vm, root)?,
            Happening::Sent { caller, body } => self.received(caller, &body),
            Happening::Answered { caller, seq } => self.answered(caller, seq)?,
            Happening::Closed { caller, status } => self.closed(caller, status),
            Happening::Subscribe { envoy, life } => self.subscribe(envoy, life),
            Happening::Push { envoy, life, generation, json } => self.pushed(envoy, life, generation, &json),
            Happening::Configure { vm, generation, json } => self.configure(vm, generation, &json)?,
            Happening::Flush { life } if life == self.control_life => self.flush()?,
            Happening::News { life } if life == self.control_life => self.judge(false)?,
            Happening::ControlTick { life } if life == self.control_life => {
                self.queue.at(self.now_ns + nanoseconds(rollouts::TICK), Happening::ControlTick { life });
                self.judge(true)?;
            }
            Happening::Flush { .. } | Happening::News { .. } | Happening::ControlTick { .. } => {}
            Happening::Trouble(number) => self.trouble(number),
            Happening::Returns(what) => self.returns(what)?,
        }
        Ok(())
    }

    /// The canary gets its first weight.
    ///
    /// # Errors
    /// When the control plane is down, or refuses.
    pub fn resume(&mut self) -> Result<()> {
        let now = self.unix();
        let Self { control, store, .. } = self;
        let control = control.as_mut().ok_or_else(|| anyhow!("the control plane is down"))?;
        let decided = control.resume(store, now)?;
        self.exposed_from = Some(self.second_now());
        self.decided(&decided)
    }

    /// Judges, and does what follows.
    fn judge(&mut self, is_tick: bool) -> Result<()> {
        let now = self.unix();
        self.is_news_due &= is_tick;
        let Self { control: Some(control), store, .. } = self else { return Ok(()) };
        if !is_tick && !control.rollout()?.has_news() {
            return Ok(());
        }
        let decided = if is_tick { control.tick(store, now)? } else { control.judge(store, now)? };
        self.judged_ns = self.now_ns;
        self.decided(&decided)
    }

    /// Keeps what was decided, and tells the fleet.
    fn decided(&mut self, decided: &Decided) -> Result<()> {
        let exposed = self.exposed_from.map(|from| self.second_now().saturating_sub(from));
        let Self { control: Some(control), deeds, .. } = self else { return Ok(()) };
        let rollout = control.rollout()?;
        self.weight_ppm = rollout.state().weight.ppm();
        if let Some(exposed) = exposed {
            deeds.note(&decided.events, exposed);
            if let Some(judgement) = rollout.judgement() {
                deeds.see(judgement, exposed, exposed > 0);
            }
        }
        if decided.publishes {
            self.publish();
        }
        Ok(())
    }

    /// Clients send nothing more, so that what is under way can end and be told.
    pub fn quieten(&mut self) {
        self.is_quiet = true;
        self.arrivals.clear();
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(self.start * 1_000 + self.now_ns / MILLISECOND_NS)
    }

    fn second_now(&self) -> u64 {
        self.now_ns / SECOND_NS
    }
}

const fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// The VM, if that life of its Envoy lasts.
fn living(envoys: &mut [Envoy], id: VmId) -> Option<&mut envoy::Vm> {
    let envoy = envoys.get_mut(id.envoy).filter(|envoy| envoy.is_up && envoy.life == id.life)?;
    envoy.vms.get_mut(id.vm)
}

/// The only rollout.
const ROLLOUT: &str = "simulated";
/// Set apart the streams of random numbers of a run.
const FLEET_STREAM: u64 = 0x5bd1_e995_0000_0001;
const TRAFFIC_STREAM: u64 = 0x5bd1_e995_0000_0002;

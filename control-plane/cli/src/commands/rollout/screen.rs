//! `serin rollout watch` on a terminal: a live screen with keys to act.
//!
//! What is known, what happens and how it looks are [`model`], [`update`] and [`view`]: pure functions, which tests drive. This
//! file is the shell around them: it reads keys and snapshots, does what was confirmed, and gives the terminal back as it was,
//! whether a key, the end, an error, a signal or a panic ends it. It decides nothing, and acts on nothing without a reason that
//! a person typed.

mod consequence;
mod dialog;
mod model;
mod terminal;
mod update;
mod view;

use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::watch;
use crate::client::{Client, Undone};
use crate::failure::{Failure, Kind};
use crate::model::{Known, Rollout};
use crate::output::{Output, Sheet};
use model::{Act, Effect, Key, Message, Model, Order};
use terminal::{Signals, Terminal};

/// What waits to be taken over; whoever sends more waits.
const WAITING: usize = 64;
/// How often time that passed is drawn.
const TICK: Duration = Duration::from_secs(1);

/// Whether there is a terminal to draw on, and somebody who types.
pub(super) fn is_possible() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
    !is_dumb && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// What reaches the screen from outside.
enum Heard {
    Snapshot(Box<Rollout>),
    /// The server refuses to show it.
    Refused(Failure),
    Components(Known),
    Acted(Result<Box<Rollout>, String>),
    Key(Key),
    /// The terminal has another size.
    Resized,
    /// Nobody types any more.
    InputEnded,
}

/// Why the screen was closed.
enum Closed {
    Left,
    TimeIsUp,
}

/// Ends when it is left, or a while after the rollout's end, as plain lines do.
pub(super) async fn run(
    client: &Client,
    id: String,
    within: Option<Duration>,
    output: Output,
) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(unusable)?;
    let has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let model = Model::new(id.clone(), client.server().to_owned(), has_colour, SystemTime::now());
    let mut terminal = Terminal::open().map_err(unusable)?;
    let mut screen = Screen::open(client, id.clone(), model, &terminal);
    let closed = screen.follow(&mut terminal, &mut signals, within).await;
    drop(terminal);
    let rollout = screen.model.rollout.take();
    let closed = closed?;
    if let Some(rollout) = &rollout {
        output.show(rollout, || Sheet::of(&super::view::change(rollout)))?;
        if rollout.phase.is_terminal() {
            return watch::end(rollout);
        }
    }
    Err(match (closed, within) {
        (Closed::TimeIsUp, Some(limit)) => watch::not_ended(&id, limit),
        (Closed::TimeIsUp | Closed::Left, _) => Failure::new(Kind::Left, "left before the rollout ended"),
    })
}

fn unusable(error: std::io::Error) -> Failure {
    Failure::new(Kind::Output, format!("the terminal: {error}")).advise("--plain prints lines instead")
}

struct Screen {
    client: Client,
    model: Model,
    heard: mpsc::Receiver<Heard>,
    tell: mpsc::Sender<Heard>,
    watching: JoinHandle<()>,
}

impl Screen {
    fn open(client: &Client, id: String, model: Model, terminal: &Terminal) -> Self {
        let (tell, heard) = mpsc::channel(WAITING);
        terminal.read_keys(tell.clone());
        let watching = tokio::spawn(watched(client.clone(), id, tell.clone()));
        Self { client: client.clone(), model, heard, tell, watching }
    }

    async fn follow(
        &mut self,
        terminal: &mut Terminal,
        signals: &mut Signals,
        within: Option<Duration>,
    ) -> Result<Closed, Failure> {
        let end = within.and_then(|limit| Instant::now().checked_add(limit));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            terminal.draw(|frame| view::view(&self.model, frame, SystemTime::now())).map_err(unusable)?;
            let message = tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(Heard::Refused(failure)) => return Err(failure),
                    Some(Heard::InputEnded) | None => return Ok(Closed::Left),
                    Some(heard) => heard.message(),
                },
                _ = ticks.tick() => Message::Tick,
                () = signals.any() => return Ok(Closed::Left),
                () = until(end) => return Ok(Closed::TimeIsUp),
            };
            match update::update(&mut self.model, message, SystemTime::now()) {
                None => {}
                Some(Effect::Leave) => return Ok(Closed::Left),
                Some(Effect::AskComponents) => self.ask_components(),
                Some(Effect::Act(act)) => self.act(act),
            }
            self.watch_again();
        }
    }

    /// After a person undid what had ended, there is something to watch again.
    fn watch_again(&mut self) {
        let Some(rollout) = &self.model.rollout else { return };
        if self.watching.is_finished() && !rollout.phase.is_terminal() {
            let watching = watched(self.client.clone(), rollout.id.clone(), self.tell.clone());
            self.watching = tokio::spawn(watching);
        }
    }

    fn ask_components(&self) {
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            if let Ok(known) = client.components(String::new()).await {
                let _ = tell.send(Heard::Components(known)).await;
            }
        });
    }

    fn act(&self, act: Act) {
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            let result = ordered(&client, act).await.map(Box::new).map_err(|failure| failure.in_words());
            let _ = tell.send(Heard::Acted(result)).await;
        });
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Heard {
    fn message(self) -> Message {
        match self {
            Self::Snapshot(rollout) => Message::Snapshot(rollout),
            Self::Components(known) => Message::Components(known),
            Self::Acted(result) => Message::Acted(result),
            Self::Key(key) => Message::Key(key),
            Self::Resized | Self::InputEnded | Self::Refused(_) => Message::Tick,
        }
    }
}

/// Tells every snapshot until the end, however often the connection breaks.
async fn watched(client: Client, id: String, tell: mpsc::Sender<Heard>) {
    let mut watch = client.watch(id).without_end();
    loop {
        let (heard, is_last) = match watch.next().await {
            Ok(rollout) => {
                let is_last = rollout.phase.is_terminal();
                (Heard::Snapshot(Box::new(rollout)), is_last)
            }
            Err(failure) => (Heard::Refused(failure), true),
        };
        if tell.send(heard).await.is_err() || is_last {
            return;
        }
    }
}

async fn ordered(client: &Client, act: Act) -> Result<Rollout, Failure> {
    let Act { id, order, reason } = act;
    match order {
        Order::Pause => client.pause(id, reason).await,
        Order::Resume => client.resume(id, reason).await,
        Order::Promote => client.promote(id, reason).await,
        Order::SetWeight { ppm } => client.set_weight(id, ppm, reason).await,
        Order::RollBack { component, arm } => {
            client.rollback(id, Undone { component, arm, ..Undone::default() }, reason).await
        }
    }
}

/// Never, without an end.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;

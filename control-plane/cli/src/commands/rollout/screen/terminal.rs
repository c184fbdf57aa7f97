//! The terminal: taken over while the screen is open, and given back as it was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Sender;

use super::Heard;
use super::model::Key;

/// How long a key is waited for before the reader looks whether the screen was closed.
const LOOK: Duration = Duration::from_millis(100);

/// A terminal that shows the screen. Dropped, it is as it was; a panic gives it back, too, before it is told.
pub(super) struct Terminal {
    terminal: DefaultTerminal,
    closed: Arc<AtomicBool>,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        Ok(Self { terminal, closed: Arc::default() })
    }

    pub(super) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(drop)
    }

    /// Tells keys and sizes until the screen is closed.
    pub(super) fn read_keys(&self, tell: Sender<Heard>) {
        let closed = Arc::clone(&self.closed);
        std::thread::spawn(move || {
            while !closed.load(Ordering::Relaxed) {
                let heard =
                    match event::poll(LOOK).and_then(|is_there| is_there.then(event::read).transpose()) {
                        Ok(Some(event)) => heard(&event),
                        Ok(None) => None,
                        Err(_) => Some(Heard::InputEnded),
                    };
                let is_last = matches!(heard, Some(Heard::InputEnded));
                if heard.is_some_and(|heard| tell.blocking_send(heard).is_err()) || is_last {
                    return;
                }
            }
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        let _ = self.terminal.show_cursor();
        ratatui::restore();
    }
}

fn heard(event: &Event) -> Option<Heard> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => pressed(key).map(Heard::Key),
        Event::Resize(..) => Some(Heard::Resized),
        Event::Key(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_) => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other keys do nothing")]
fn pressed(key: &KeyEvent) -> Option<Key> {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let key = match key.code {
        KeyCode::Char('c' | 'd') if has_control => Key::Interrupt,
        KeyCode::Char('h') if has_control => Key::Backspace,
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            return None;
        }
        KeyCode::Char(character) => Key::Character(character),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    };
    Some(key)
}

/// What asks the program to end.
pub(super) struct Signals([Signal; 3]);

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let of = |kind| signal(kind);
        Ok(Self([of(SignalKind::interrupt())?, of(SignalKind::terminate())?, of(SignalKind::hangup())?]))
    }

    /// Waits for one.
    pub(super) async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

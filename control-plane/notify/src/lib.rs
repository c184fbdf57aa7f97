//! Notifications: who is told what, when, and by which means.
//!
//! An event of the journal becomes [`News`], which [`Routes`] send to targets. The [`Desk`] puts together what belongs
//! together, so that a cause is one message however many rollouts it strikes, keeps which incidents are open, and says
//! when a [`Message`] is due. A message becomes a delivery, which is sent until it arrives or its attempts are used up
//! ([`delivery`]), at the pace of its target ([`Pace`]), in the form of its target ([`render`]). All of that is pure: it
//! takes the time and a draw as arguments, and its state can be stored as JSON. Only [`send`] reaches outside.
//!
//! It never decides anything about a rollout, and no payload holds a secret, apart from the routing key that PagerDuty's
//! form asks for in its body.

#![forbid(unsafe_code)]

pub mod delivery;
mod desk;
mod message;
mod news;
mod pace;
pub mod render;
mod route;
mod secret;
pub mod send;
mod target;
mod time;

pub use lettre::Address;

pub use desk::{Desk, Grouping, ITEMS_MAX, OPEN_MAX};
pub use message::{Action, Incident, Item, Message};
pub use news::{About, Closes, Harm, News};
pub use pace::Pace;
pub use route::{Glob, Route, Routes};
pub use secret::Secret;
pub use target::{CdEvents, Kind, Mail, MailTls, PagerDuty, Target, Webhook};

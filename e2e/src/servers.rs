//! Servers of others that Serin talks to, for tests and demos: the real ones where they can be had, and one that misbehaves on purpose.
//!
//! All listen on loopback ports of their own and end with their value. A server that has to be fetched says what failed.

pub mod certificate;
pub mod kafka;
pub mod postgres;
pub mod prometheus;
pub mod receiver;
pub mod smtp;

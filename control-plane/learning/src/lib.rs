//! What finished rollouts teach the next ones.
//!
//! An [`outcome::Outcome`] is one rollout that is over: what was decided, what is true and who says so, and what each detector told. A
//! [`tuning::Tuning`] is what is learned from many: the sources' weights, the room of each margin, and how much a detector is to be
//! believed. [`retrain::retrain`] learns a candidate from the earlier outcomes, lets it judge the later ones in shadow, and adopts it
//! only if it is better there; [`contest`] does so for models that tell probabilities. A [`shelf::Shelf`] keeps versions of a model with a way back. [`simulate`] draws a year by a known law
//! and runs it through the real streams.
//!
//! Learning moves power, never validity: all of a tuning is settled before a rollout begins, weights sum to 1, and margins are part of
//! what is tested, so the error budget of a rollout holds whatever was learned, and from whom. What one person, or one service, can move
//! is bounded ([`trust`]), and so is what all of them together can ([`tuning`]).
//!
//! It is pure: no clock, no file, no randomness but from a seed.

#![forbid(unsafe_code)]

pub mod contest;
pub mod document;
pub mod outcome;
pub mod retrain;
pub mod shadow;
pub mod shelf;
pub mod simulate;
pub mod trust;
pub mod tuning;

#[cfg(test)]
mod sample;

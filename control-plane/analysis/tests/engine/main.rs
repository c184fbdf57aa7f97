//! The engine as a whole: increments in, verdicts out.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod blocks;
#[cfg(test)]
mod calibration;
#[cfg(test)]
mod categories;
#[cfg(test)]
mod control;
#[cfg(test)]
mod course;
#[cfg(test)]
mod detection;
#[cfg(test)]
mod failures;
mod logged;
#[cfg(test)]
mod margins;
#[cfg(test)]
mod merging;
#[cfg(test)]
mod placebo;
#[cfg(test)]
mod protection;
#[cfg(test)]
mod users;
#[cfg(test)]
mod window;
#[cfg(test)]
mod world;

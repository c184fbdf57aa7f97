//! The engine as a whole: increments in, verdicts out.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod blocks;
#[cfg(test)]
mod calibration;
#[cfg(test)]
mod control;
#[cfg(test)]
mod course;
#[cfg(test)]
mod detection;
mod logged;
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

//! The engine as a whole: increments in, verdicts out.

#[path = "calibration.rs"]
mod calibration;
#[path = "detection.rs"]
mod detection;
#[path = "merging.rs"]
mod merging;
#[path = "world.rs"]
mod world;

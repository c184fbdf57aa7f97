//! Pictures in the documentation that are drawn from what they show, so that none can go stale.

pub mod architecture;
pub mod dashboard;

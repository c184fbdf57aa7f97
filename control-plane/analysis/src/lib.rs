//! Pure statistics of the rollout decision.

pub mod verdict;

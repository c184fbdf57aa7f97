//! Evidence and audit: bundles, their hash chain, what is masked, and the report of a rollback.

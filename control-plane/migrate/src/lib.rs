//! Schema changes of a release on PostgreSQL, and their way back.

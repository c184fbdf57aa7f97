//! Health checks and queries: what services, databases and Prometheus say when asked.

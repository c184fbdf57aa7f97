//! The control plane as its clients meet it: real gRPC and HTTP over loopback, a real database in a folder.

mod admin;
mod crash;
mod ecds;
mod fleet;
mod guarded;
mod http;
mod support;

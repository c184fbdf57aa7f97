//! Calls to what is outside: which addresses are permitted, with which bounds and deadlines.
//!
//! Targets are named by an operator, but where a name leads is decided by whoever answers for it: a name can lead to the
//! machine itself, to a cloud's metadata address, or elsewhere at each question. So a host is resolved once, the
//! [`AddressPolicy`] leaves out every address that is not permitted, and the connection goes to one that is left; nothing
//! is resolved again and no redirect is followed. Everything that calls outside uses this crate: HTTP by
//! [`HttpClient`], other protocols by [`AddressPolicy::resolve`] and [`Roots::tls`].
//!
//! It never retries by itself ([`retry`] says when a caller should), never reads the environment, and no error or debug
//! output of it tells a key or the path of an address, which often is a secret.

#![forbid(unsafe_code)]

mod address;
mod http;
mod identity;
mod resolve;
pub mod retry;
mod roots;
pub mod signature;
mod url;

pub use address::{AddressPolicy, Blocked, Class, Network, NetworkError};
pub use http::{BODY_MAX, CallError, HttpClient, Method, Request, Response, header};
pub use identity::{Identity, IdentityError};
pub use roots::{Roots, RootsError};
pub use url::{Url, UrlError};

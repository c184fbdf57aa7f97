//! Why a server does not start, or ends.

use serin_notify::send::SenderError;
use serin_registry::store::OpenError;

use crate::audit::MethodsError;
use crate::listener::BindError;
use crate::rollouts::{Lost, RestoreError};
use crate::store::StoreError;
use crate::train_key::TrainKeyError;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the trains.
    #[error(transparent)]
    TrainKey(#[from] TrainKeyError),
    /// The artifacts.
    #[error("registry.store: {0}")]
    Artifacts(#[from] OpenError),
    /// What is in the store.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A target of notifications.
    #[error("notifications.targets.{0}")]
    Notifications(#[from] SenderError),
    /// TLS of what is called outside.
    #[error("outside: {0}")]
    Outside(#[from] serin_outside::RootsError),
    /// The system gives no thread.
    #[error("no thread for the store: {0}")]
    Thread(#[from] std::io::Error),
    /// The descriptors of the services, for the audit log.
    #[error(transparent)]
    Methods(#[from] MethodsError),
    /// What takes secrets out of evidence.
    #[error("masking: {0}")]
    Masking(#[from] regex::Error),
    /// The descriptors of the services.
    #[error("the service descriptors: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
}

/// Why a server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Memory and store may differ.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A listener failed.
    #[error("a listener failed: {0}")]
    Listener(#[from] tonic::transport::Error),
    /// A part panicked.
    #[error("a part of the server ended: {0}")]
    Part(#[from] tokio::task::JoinError),
}

//! The contract between Serin's filter, control plane and clients: the only crate that both sides of the wire
//! depend on.
//!
//! * [`assignment`] is what the control plane tells the filters (JSON, carried by Envoy's ECDS).
//! * [`fleet`] is what the filters report (protobuf over unary gRPC).
//! * [`admin`] is what people and pipelines ask of rollouts, [`registry`] what they ask of versions, [`evidence`] what was known
//!   and who asked for what (gRPC).
//!
//! Features choose how much of it is compiled: `messages` for the filter, `client` and `server` for gRPC, `schema`
//! for the JSON Schema of the assignment. Generated message types stop at the edge of each crate that uses them.

pub mod assignment;

/// Reports of the fleet (`serin.fleet.v1`).
#[cfg(feature = "messages")]
pub mod fleet {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
    pub mod v1 {
        #[cfg(any(feature = "client", feature = "server"))]
        tonic::include_proto!("serin.fleet.v1");
        #[cfg(not(any(feature = "client", feature = "server")))]
        include!(concat!(env!("OUT_DIR"), "/serin.fleet.v1.rs"));
    }
}

/// Administration of rollouts (`serin.admin.v1`).
#[cfg(any(feature = "client", feature = "server"))]
pub mod admin {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
    pub mod v1 {
        tonic::include_proto!("serin.admin.v1");
    }
}

/// Evidence of decisions and the audit log (`serin.evidence.v1`).
#[cfg(any(feature = "client", feature = "server"))]
pub mod evidence {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
    pub mod v1 {
        tonic::include_proto!("serin.evidence.v1");
    }
}

/// The registry of versions (`serin.registry.v1`).
#[cfg(any(feature = "client", feature = "server"))]
pub mod registry {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
    pub mod v1 {
        tonic::include_proto!("serin.registry.v1");
    }
}

/// Encoded `FileDescriptorSet` of all services, for gRPC reflection.
#[cfg(feature = "server")]
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/serin.descriptor"));

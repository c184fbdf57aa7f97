//! What became of a request: one of eight outcomes, from what Envoy says in the log phase.
//!
//! The function is total: every combination of status, gRPC status and flags has exactly one outcome, so that the
//! filter's counts add up to Envoy's own. It follows what the client got, as `OutcomeCounts` in the wire contract
//! says. The flags come first: a response that began with 200 and was cut off is not a success.

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// Served.
    Ok,
    /// The caller's fault.
    ClientError,
    /// The service's fault.
    ServerError,
    /// Took too long.
    Timeout,
    /// No upstream could be reached.
    ConnectFailure,
    /// The upstream ended the stream before the response ended.
    Reset,
    /// Refused for load.
    Overload,
    /// The client went away.
    Cancelled,
}

impl Outcome {
    /// Every outcome, in the order of the wire contract.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::ClientError,
        Self::ServerError,
        Self::Timeout,
        Self::ConnectFailure,
        Self::Reset,
        Self::Overload,
        Self::Cancelled,
    ];

    /// Whether the latency of such a request says how fast the service is.
    #[must_use]
    pub const fn has_latency(self) -> bool {
        matches!(self, Self::Ok | Self::ClientError)
    }

    /// Whether it counts against the upstream host that served it.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::ServerError | Self::Timeout | Self::ConnectFailure | Self::Reset | Self::Overload
        )
    }
}

/// Envoy's response flags: bit n is the n-th `CoreResponseFlag` of its stream info.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags(pub u64);

impl Flags {
    const NO_HEALTHY_UPSTREAM: u64 = 1 << 1;
    const UPSTREAM_REQUEST_TIMEOUT: u64 = 1 << 2;
    const LOCAL_RESET: u64 = 1 << 3;
    const UPSTREAM_REMOTE_RESET: u64 = 1 << 4;
    const UPSTREAM_CONNECTION_FAILURE: u64 = 1 << 5;
    const UPSTREAM_CONNECTION_TERMINATION: u64 = 1 << 6;
    const UPSTREAM_OVERFLOW: u64 = 1 << 7;
    const RATE_LIMITED: u64 = 1 << 11;
    const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;
    const STREAM_IDLE_TIMEOUT: u64 = 1 << 16;
    const UPSTREAM_MAX_STREAM_DURATION: u64 = 1 << 19;
    const DURATION_TIMEOUT: u64 = 1 << 22;
    const UPSTREAM_PROTOCOL_ERROR: u64 = 1 << 23;
    const NO_CLUSTER_FOUND: u64 = 1 << 24;
    const OVERLOAD_MANAGER: u64 = 1 << 25;
    const DNS_RESOLUTION_FAILED: u64 = 1 << 26;
    const DROP_OVERLOAD: u64 = 1 << 27;
    const DOWNSTREAM_REMOTE_RESET: u64 = 1 << 28;
    const UNCONDITIONAL_DROP_OVERLOAD: u64 = 1 << 29;

    /// Groups of flags in the order in which they decide; the cause of a failure comes before its symptom.
    const CAUSES: [(u64, Outcome); 4] = [
        (
            Self::UPSTREAM_OVERFLOW
                | Self::RATE_LIMITED
                | Self::OVERLOAD_MANAGER
                | Self::DROP_OVERLOAD
                | Self::UNCONDITIONAL_DROP_OVERLOAD,
            Outcome::Overload,
        ),
        (
            Self::UPSTREAM_REQUEST_TIMEOUT
                | Self::STREAM_IDLE_TIMEOUT
                | Self::UPSTREAM_MAX_STREAM_DURATION
                | Self::DURATION_TIMEOUT,
            Outcome::Timeout,
        ),
        (
            Self::NO_HEALTHY_UPSTREAM
                | Self::UPSTREAM_CONNECTION_FAILURE
                | Self::NO_CLUSTER_FOUND
                | Self::DNS_RESOLUTION_FAILED,
            Outcome::ConnectFailure,
        ),
        (
            Self::LOCAL_RESET
                | Self::UPSTREAM_REMOTE_RESET
                | Self::UPSTREAM_CONNECTION_TERMINATION
                | Self::UPSTREAM_PROTOCOL_ERROR,
            Outcome::Reset,
        ),
    ];

    /// The cause that the flags name, if any.
    fn cause(self) -> Option<Outcome> {
        Self::CAUSES.iter().find(|(group, _)| self.0 & group != 0).map(|(_, outcome)| *outcome)
    }

    const fn client_left(self) -> bool {
        self.0 & (Self::DOWNSTREAM_CONNECTION_TERMINATION | Self::DOWNSTREAM_REMOTE_RESET) != 0
    }
}

/// HTTP status of a request that ended without one.
pub const NO_STATUS: u16 = 0;

/// HTTP status of an upgraded connection, for example a WebSocket.
pub const UPGRADED: u16 = 101;

/// The outcome of a request.
#[must_use]
pub fn classify(status: u16, grpc: Option<u32>, flags: Flags) -> Outcome {
    // It was served by being upgraded. Its only end is that of the connection, which Envoy flags in good order too.
    if status == UPGRADED {
        return Outcome::Ok;
    }
    if status == NO_STATUS && flags.client_left() {
        return Outcome::Cancelled;
    }
    if let Some(outcome) = flags.cause() {
        return outcome;
    }
    if flags.client_left() {
        return Outcome::Cancelled;
    }
    match grpc {
        Some(code) if status < 300 => by_grpc(code),
        Some(_) | None => by_http(status),
    }
}

fn by_grpc(code: u32) -> Outcome {
    match code {
        0 => Outcome::Ok,
        1 => Outcome::Cancelled,
        // INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, ABORTED,
        // OUT_OF_RANGE, UNAUTHENTICATED
        3 | 5 | 6 | 7 | 9 | 10 | 11 | 16 => Outcome::ClientError,
        4 => Outcome::Timeout,
        8 => Outcome::Overload,
        _ => Outcome::ServerError,
    }
}

fn by_http(status: u16) -> Outcome {
    match status {
        // Envoy always sets a status, or a flag, when it or the upstream gives up; without either the client left.
        NO_STATUS => Outcome::Cancelled,
        429 => Outcome::Overload,
        400..=499 => Outcome::ClientError,
        500.. => Outcome::ServerError,
        1..=399 => Outcome::Ok,
    }
}

#[cfg(test)]
mod tests;

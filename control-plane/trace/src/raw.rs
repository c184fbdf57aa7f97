//! A line as it is written, before the rules between its fields are checked.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::merged;
use crate::number::{Count, Micros, UnixSecond, UserBuckets};

/// One line of a trace: the requests of one component and arm that started in one second, or what one host, node or
/// exporter knows of them; lines of one second add up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceLine")]
pub(crate) struct Line {
    /// Unix time, in whole seconds, in which the requests started. With coarser data: when the interval began.
    pub(crate) t: UnixSecond,
    /// Name of the component, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    pub(crate) component: String,
    /// `baseline` or `canary`.
    pub(crate) arm: Arm,
    /// Finished requests by outcome.
    #[serde(deserialize_with = "object")]
    pub(crate) outcomes: Outcomes,
    /// Latency of the requests with outcome `ok` or `client_error`: pairs of µs and number of requests, in any order.
    #[serde(default)]
    pub(crate) latency_us: Option<Vec<(Micros, Count)>>,
    /// Instead of `latency_us`: an HdrHistogram V2 in µs, plain or compressed, as base64.
    #[serde(default)]
    pub(crate) latency_hdr: Option<String>,
    /// Requests that started. Default: the outcomes and the open ones; in a recording, the outcomes.
    #[serde(default)]
    pub(crate) started: Option<Count>,
    /// Requests still running: pairs of age in seconds and number of requests.
    #[serde(default)]
    pub(crate) open: Option<Vec<(Seconds, Count)>>,
    /// Upstream host that served the requests, 1 to 128 bytes. Absent: not told apart.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub(crate) host: Option<String>,
    /// Weight of the canary at that time in parts per million, 0 to 1,000,000. Holds until another is given.
    #[serde(default)]
    #[schemars(with = "Option<u32>", range(max = 1_000_000))]
    pub(crate) weight_ppm: Option<Count>,
    /// Values of other signals by name. Checked and kept for later; they are not judged.
    #[serde(default, deserialize_with = "signals")]
    pub(crate) signals: BTreeMap<String, f64>,
    /// Envoy that measured, 1 to 256 bytes. For people; lines of all nodes add up.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub(crate) node: Option<String>,
    /// Which of 64 buckets the users of a sample of the requests are in; bit n stands for bucket n. Lines of one second
    /// are joined by OR. Absent: not known.
    #[serde(default)]
    pub(crate) users_seen: Option<UserBuckets>,
    /// The same of the users whose requests failed by fault of the service: outcomes `server_error`, `timeout`,
    /// `connect_failure`, `reset` and `overload`. All bits: it may have been anyone.
    #[serde(default)]
    pub(crate) users_failed: Option<UserBuckets>,
    /// Of the failed requests, those whose failure named a block of the component's code, by block. At most 32.
    #[serde(default, deserialize_with = "blocks")]
    pub(crate) blocks: BTreeMap<String, Count>,
    /// How the control plane came to know of it: recordings only.
    #[serde(default, deserialize_with = "some_object")]
    pub(crate) merged: Option<merged::Raw>,
}

/// Bytes of an upstream host.
pub(crate) const HOST_BYTES_MAX: usize = 128;

/// The arms that are compared.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arm {
    /// The version that served before.
    Baseline,
    /// The version on trial.
    Canary,
}

impl Arm {
    pub(crate) const fn of(arm: serin_analysis::Arm) -> Self {
        match arm {
            serin_analysis::Arm::Baseline => Self::Baseline,
            serin_analysis::Arm::Canary => Self::Canary,
        }
    }

    pub(crate) const fn checked(self) -> serin_analysis::Arm {
        match self {
            Self::Baseline => serin_analysis::Arm::Baseline,
            Self::Canary => serin_analysis::Arm::Canary,
        }
    }
}

/// Finished requests by outcome; absent ones are 0.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "TraceOutcomes")]
pub(crate) struct Outcomes {
    /// Succeeded.
    pub(crate) ok: Count,
    /// The caller was to blame (4xx).
    pub(crate) client_error: Count,
    /// The service failed (5xx).
    pub(crate) server_error: Count,
    /// The service did not answer in time.
    pub(crate) timeout: Count,
    /// No connection to the service could be made.
    pub(crate) connect_failure: Count,
    /// The service broke the connection.
    pub(crate) reset: Count,
    /// Refused for load.
    pub(crate) overload: Count,
    /// The client went away.
    pub(crate) cancelled: Count,
}

/// An age in seconds; parts of a second are allowed.
#[derive(Clone, Copy, Debug, JsonSchema)]
pub(crate) struct Seconds(#[schemars(with = "f64", range(min = 0))] ());

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if f64::deserialize(deserializer)? < 0.0 {
            return Err(D::Error::custom("must not be negative"));
        }
        Ok(Self(()))
    }
}

/// Reads an object. What is derived would take an array for one, by the order of the fields.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Object(PhantomData))
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// Reads an object, or null.
fn some_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

/// Reads an array of objects.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Object<T>>::deserialize(deserializer)?.into_iter().map(|Object(value)| value).collect())
}

/// Signals of one line at most.
const SIGNALS_MAX: usize = 256;
/// Blocks of one line at most.
const BLOCKS_MAX: usize = 32;

fn signals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    deserializer.deserialize_map(Named { most: SIGNALS_MAX, of: PhantomData })
}

pub(crate) fn blocks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Count>, D::Error> {
    deserializer.deserialize_map(Named { most: BLOCKS_MAX, of: PhantomData })
}

/// Reads at most so many values by name, each once.
struct Named<T> {
    most: usize,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("values by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            if values.len() >= self.most {
                return Err(A::Error::custom(format_args!("exceeds {} entries", self.most)));
            }
            if values.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
        }
        Ok(values)
    }
}

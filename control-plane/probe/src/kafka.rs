//! What Kafka's brokers say of a topic, and a record where one may be written.
//!
//! The brokers that a target names are held to the address policy. Where these send further is the cluster's own to say; an
//! operator who names a cluster trusts it in that.

use std::collections::BTreeMap;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::chrono::DateTime;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::record::Record;
use serin_rollout::plan::KafkaProbe;

use crate::Prober;
use crate::prober::Trouble;

/// Key of the records that are written.
const KEY: &[u8] = b"serin-health-check";
/// An answer of a broker may have so many bytes.
const MESSAGE_MAX: usize = 1024 * 1024;

pub(crate) async fn check(prober: &Prober, probe: &KafkaProbe, within: Duration) -> Result<(), Trouble> {
    let named = prober.targets.kafka.get(&probe.cluster);
    let target = named.ok_or_else(|| {
        Trouble::NotAsked(format!("the server's configuration names no Kafka cluster {}", probe.cluster))
    })?;
    let mut brokers = Vec::new();
    let mut refused = None;
    for (host, port) in &target.brokers {
        match prober.http.policy().resolve(host, *port, within).await {
            Ok(addresses) => brokers.extend(addresses.iter().map(ToString::to_string)),
            Err(error) => refused = Some(Trouble::from(error)),
        }
    }
    if brokers.is_empty() {
        return Err(refused.unwrap_or_else(|| Trouble::NotAsked("it names no brokers".to_owned())));
    }
    // Retries end with the deadline around this.
    let backoff = BackoffConfig { deadline: Some(within), ..BackoffConfig::default() };
    let builder = ClientBuilder::new(brokers).max_message_size(MESSAGE_MAX).backoff_config(backoff);
    let client = builder.build().await.map_err(failed)?;
    let topics = client.list_topics().await.map_err(failed)?;
    let topic = topics.into_iter().find(|topic| topic.name == probe.topic);
    let topic = topic.ok_or_else(|| Trouble::Failed(format!("there is no topic {}", probe.topic)))?;
    if !probe.produce {
        return Ok(());
    }
    let Some(partition) = topic.partitions.iter().next().copied() else {
        return Err(Trouble::Failed(format!("topic {} has no partition", probe.topic)));
    };
    let partition = client.partition_client(&probe.topic, partition, UnknownTopicHandling::Error).await;
    let record = Record {
        key: Some(KEY.to_vec()),
        value: Some(Vec::new()),
        headers: BTreeMap::new(),
        timestamp: DateTime::UNIX_EPOCH,
    };
    let partition = partition.map_err(failed)?;
    partition.produce(vec![record], Compression::NoCompression).await.map(|_| ()).map_err(failed)
}

fn failed(error: rskafka::client::error::Error) -> Trouble {
    Trouble::Failed(error.to_string())
}

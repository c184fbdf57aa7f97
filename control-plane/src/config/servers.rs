//! Servers of the operator that plans may name, with what is needed to be let in.

use std::collections::BTreeMap;

use serin_probe::{Database, Kafka, Prometheus, Targets};

use super::{ConfigError, raw, read_of};

/// Targets of one kind.
const TARGETS_MAX: usize = 256;

pub(super) fn servers(raw: &raw::Targets) -> Result<Targets, ConfigError> {
    let raw::Targets { prometheus, databases, kafka, .. } = raw.clone();
    for (kind, count) in
        [("prometheus", prometheus.len()), ("databases", databases.len()), ("kafka", kafka.len())]
    {
        if count > TARGETS_MAX {
            return Err(ConfigError::value(format!("targets.{kind}"), format!("exceeds {TARGETS_MAX}")));
        }
    }
    Ok(Targets {
        prometheus: each("prometheus", prometheus, self::prometheus)?,
        databases: each("databases", databases, database)?,
        kafka: each("kafka", kafka, self::kafka)?,
    })
}

fn each<R, T>(
    kind: &str,
    raw: BTreeMap<String, R>,
    check: impl Fn(&str, R) -> Result<T, ConfigError>,
) -> Result<BTreeMap<String, T>, ConfigError> {
    let checked = raw.into_iter().map(|(name, raw)| {
        let field = format!("targets.{kind}.{name}");
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_letter) {
            let rule = "must be named by letters, digits, '.', '_' and '-', 1 to 64 of them";
            return Err(ConfigError::value(field, rule));
        }
        let target = check(&field, raw)?;
        Ok((name, target))
    });
    checked.collect()
}

fn prometheus(field: &str, raw: raw::PrometheusTarget) -> Result<Prometheus, ConfigError> {
    let url =
        raw.url.parse().map_err(|error| ConfigError::value(format!("{field}.url"), format!("{error}")))?;
    let token = raw.token_file.map(|path| read_of(format!("{field}.token_file"), &path)).transpose()?;
    Ok(Prometheus { url, token: token.map(|token| token.trim().to_owned()) })
}

fn database(field: &str, raw: raw::DatabaseTarget) -> Result<Database, ConfigError> {
    for (name, value) in [("host", &raw.host), ("user", &raw.user), ("dbname", &raw.dbname)] {
        if value.is_empty() || value.len() > 253 {
            return Err(ConfigError::value(format!("{field}.{name}"), "must be 1 to 253 bytes long"));
        }
    }
    let password =
        raw.password_file.map(|path| read_of(format!("{field}.password_file"), &path)).transpose()?;
    Ok(Database {
        host: raw.host,
        port: raw.port,
        user: raw.user,
        password: password.map(|password| password.trim_end_matches(['\r', '\n']).to_owned()),
        dbname: raw.dbname,
        tls: raw.tls,
    })
}

fn kafka(field: &str, raw: raw::KafkaTarget) -> Result<Kafka, ConfigError> {
    let brokers = raw.brokers.iter().map(|broker| {
        let split = broker.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        split.and_then(|(host, port)| Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?)))
    });
    let brokers: Option<Vec<(String, u16)>> = brokers.collect();
    match brokers {
        Some(brokers) if (1..=16).contains(&brokers.len()) => Ok(Kafka { brokers }),
        _ => Err(ConfigError::value(format!("{field}.brokers"), "must be 1 to 16 of HOST:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Targets, ConfigError> {
        servers(&serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn targets_take_their_secrets_from_files_and_show_none_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "hunter2\n").unwrap();
        let secret = secret.display();
        let read = read(&format!(
            "
prometheus: {{main: {{url: 'http://prometheus:9090', token_file: {secret}}}}}
databases: {{shop: {{host: db, user: serin, dbname: shop, password_file: {secret}}}}}
kafka: {{orders: {{brokers: ['kafka:9092', '[::1]:9093']}}}}
"
        ))
        .unwrap();
        assert_eq!(read.prometheus["main"].token.as_deref(), Some("hunter2"));
        let shop = &read.databases["shop"];
        assert_eq!((shop.password.as_deref(), shop.port, shop.tls), (Some("hunter2"), 5_432, true));
        let brokers = [("kafka".to_owned(), 9_092), ("::1".to_owned(), 9_093)];
        assert_eq!(read.kafka["orders"].brokers, brokers);
        assert!(!format!("{read:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_target_is_refused_by_its_field() {
        for (yaml, field) in [
            ("prometheus: {'a b': {url: 'http://x'}}", "targets.prometheus.a b: "),
            ("prometheus: {a: {url: 'ftp://x'}}", "targets.prometheus.a.url: "),
            ("prometheus: {a: {url: 'http://x', token_file: /nowhere}}", "targets.prometheus.a.token_file: "),
            ("databases: {a: {host: '', user: b, dbname: c}}", "targets.databases.a.host: "),
            ("kafka: {a: {brokers: []}}", "targets.kafka.a.brokers: "),
            ("kafka: {a: {brokers: [x]}}", "targets.kafka.a.brokers: "),
        ] {
            let error = read(yaml).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}

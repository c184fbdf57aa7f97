//! What Envoy's admin interface tells.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::Request;
use serde::Deserialize;
use serde_json::Value;

use crate::http;

/// Client of the admin interface of one Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    /// The admin interface at `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether Envoy has initialised and serves.
    pub async fn is_ready(&self) -> bool {
        http::get(self.address, "/ready", &[]).await.is_ok_and(|answer| answer.status() == 200)
    }

    /// Counters and gauges whose names match the regular expression `filter`, by name.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn stats(&self, filter: &str) -> Result<BTreeMap<String, u64>> {
        #[derive(Deserialize)]
        struct Stats {
            stats: Vec<Value>,
        }
        let path = format!("/stats?format=json&filter={}", escape(filter));
        let stats: Stats = http::get_json(self.address, &path).await?;
        // Histograms and text readouts have other shapes and are passed over.
        let number =
            |stat: &Value| Some((stat.get("name")?.as_str()?.to_owned(), stat.get("value")?.as_u64()?));
        Ok(stats.stats.iter().filter_map(number).collect())
    }

    /// Value of the counter or gauge with this very name; 0 if Envoy has none, because it makes many at first use.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        let pattern = format!("^{}$", name.replace('.', "\\."));
        Ok(self.stats(&pattern).await?.get(name).copied().unwrap_or(0))
    }

    /// The whole configuration, ECDS resources included.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn config_dump(&self) -> Result<Value> {
        http::get_json(self.address, "/config_dump?include_eds").await
    }

    /// Sets a runtime key in the layer of the admin interface; an empty `value` unsets it there.
    ///
    /// # Errors
    /// When Envoy does not answer with status 200.
    pub async fn modify_runtime(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/runtime_modify?{}={}", escape(key), escape(value));
        let request = Request::post(format!("http://{}{path}", self.address)).body(Full::default())?;
        let answer = http::exchange(&http::client(), request).await?;
        ensure!(answer.status() == 200, "POST {path}: status {}", answer.status());
        Ok(())
    }

    /// Any other page, as text.
    ///
    /// # Errors
    /// When Envoy does not answer with status 200.
    pub async fn text(&self, path: &str) -> Result<String> {
        let answer =
            http::get(self.address, path, &[]).await.context("no answer from Envoy's admin interface")?;
        ensure!(answer.status() == 200, "GET {path}: status {}", answer.status());
        Ok(answer.text())
    }
}

/// Percent-encodes what has a meaning in a query.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

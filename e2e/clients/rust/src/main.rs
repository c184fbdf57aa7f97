//! A checkout whose tax block is switched by the stock OpenFeature SDK, with no library of Serin.
//!
//! A request says in its `baggage` which version it needs; that is this request's truth. Everything else runs the last
//! known value of the flag, which a task refreshes. Where nobody answers, the last value stays.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use open_feature::{Client, EvaluationContext, OpenFeature};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap as ProviderHeaders};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// The provider waits without end by itself.
const EVALUATION_DEADLINE: Duration = Duration::from_secs(2);

/// The versions of the block.
#[derive(Clone, Copy)]
enum Tax {
    /// Drops what is less than a cent.
    V6,
    /// Rounds.
    V7,
}

impl Tax {
    fn of(version: &str) -> Option<Self> {
        match version {
            "v6" => Some(Self::V6),
            "v7" => Some(Self::V7),
            _ => None,
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::V6 => "v6",
            Self::V7 => "v7",
        }
    }

    const fn cents(self, cents: u32) -> u64 {
        match self {
            Self::V6 => cents as u64 * 19 / 100,
            Self::V7 => (cents as u64 * 19 + 50) / 100,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let poll = env::var("POLL_MS").ok().map_or(Ok(1_000), |value| value.parse()).context("POLL_MS")?;
    let mut headers = ProviderHeaders::new();
    if let Ok(token) = env::var("FLAGS_TOKEN") {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().context("FLAGS_TOKEN")?);
    }
    let options = OfrepOptions { base_url: variable("FLAGS_URL")?, headers, ..OfrepOptions::default() };
    let provider = OfrepProvider::new(options).await?;
    OpenFeature::singleton_mut().await.set_provider(provider).await;
    let client = OpenFeature::singleton().await.create_client();
    let context = EvaluationContext::default()
        .with_custom_field("service", "shop")
        .with_custom_field("version", variable("SERVICE_VERSION")?);

    // Before the first answer: the version that is known to work.
    let flag = Arc::new(watch::Sender::new(Tax::V6));
    tokio::spawn(keep_fresh(client, context, Arc::clone(&flag), Duration::from_millis(poll)));
    let routes = Router::new().route("/checkout", get(checkout)).with_state(flag);
    let port = variable("PORT")?.parse().context("PORT")?;
    Ok(axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, routes).await?)
}

async fn keep_fresh(
    client: Client,
    context: EvaluationContext,
    flag: Arc<watch::Sender<Tax>>,
    poll: Duration,
) {
    loop {
        let asked = client.get_string_value("tax", Some(&context), None);
        // No answer, or none that is ours: the last value stays.
        if let Ok(Ok(told)) = timeout(EVALUATION_DEADLINE, asked).await
            && let Some(version) = Tax::of(&told)
        {
            flag.send_replace(version);
        }
        sleep(poll).await;
    }
}

/// The version that a W3C `baggage` header names for the block, if it is one of ours.
fn version_of_request(headers: &HeaderMap) -> Option<Tax> {
    let values = headers.get_all("baggage").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|member| {
        let (name, value) = member.split(';').next()?.split_once('=')?;
        let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().ok()?;
        (name.trim() == "serin.block.tax").then(|| Tax::of(&value)).flatten()
    })
}

#[derive(Deserialize)]
struct Cart {
    #[serde(default)]
    cents: u32,
}

/// `GET /checkout?cents=1999` tells the tax, and which version of the block computed it and why.
async fn checkout(
    State(flag): State<Arc<watch::Sender<Tax>>>,
    Query(cart): Query<Cart>,
    headers: HeaderMap,
) -> Json<Value> {
    let named = version_of_request(&headers);
    let ran = named.unwrap_or_else(|| *flag.borrow());
    let by = if named.is_some() { "baggage" } else { "flag" };
    Json(json!({"version": ran.version(), "by": by, "tax_cents": ran.cents(cart.cents)}))
}

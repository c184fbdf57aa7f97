//! Instant queries of a Prometheus server.

use std::fmt::Write;
use std::time::Duration;

use serde::Deserialize;
use serin_outside::{Request, Url, header};
use serin_rollout::plan::PrometheusProbe;

use crate::Prober;
use crate::prober::Trouble;

/// One value needs little; what is longer names too many series.
const BODY_MAX: usize = 256 * 1024;

pub(crate) async fn check(prober: &Prober, probe: &PrometheusProbe, within: Duration) -> Result<(), Trouble> {
    // What a query cannot tell says nothing of the service.
    let value =
        value(prober, &probe.target, &probe.promql, within).await.map_err(|trouble| match trouble {
            Trouble::Failed(reason) | Trouble::NotAsked(reason) => Trouble::NotAsked(reason),
        })?;
    if probe.unhealthy.holds(value) {
        return Err(Trouble::Failed(format!("its query gives {value}, limit {}", probe.unhealthy.limit())));
    }
    Ok(())
}

/// The one value that a query gives.
pub(crate) async fn value(
    prober: &Prober,
    target: &str,
    promql: &str,
    within: Duration,
) -> Result<f64, Trouble> {
    let named = prober.targets.prometheus.get(target);
    let server = named.ok_or_else(|| {
        Trouble::NotAsked(format!("the server's configuration names no Prometheus server {target}"))
    })?;
    let base = server.url.as_str().trim_end_matches('/');
    let url = format!("{base}/api/v1/query?query={}", encoded(promql));
    let url: Url = url.parse().map_err(|error| Trouble::NotAsked(format!("{error}")))?;
    let mut request = Request { body_max: BODY_MAX, ..Request::get(url, within) };
    if let Some(token) = &server.token {
        let bearer = format!("Bearer {token}").parse();
        let bearer = bearer.map_err(|_| Trouble::NotAsked("its token is no header".to_owned()))?;
        request.headers.insert(header::AUTHORIZATION, bearer);
    }
    let response = prober.http.send(request).await?;
    read(response.status, &response.body).map_err(Trouble::Failed)
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "snake_case")]
enum Data {
    Vector(Vec<Series>),
    Scalar((f64, String)),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    value: (f64, String),
}

/// The value, or why there is none.
fn read(status: u16, body: &[u8]) -> Result<f64, String> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| format!("it answered {status} and nothing of Prometheus"))?;
    if let Some(error) = answer.error {
        return Err(format!("it answered {status}: {}", error.chars().take(200).collect::<String>()));
    }
    let text = match answer.data {
        Some(Data::Vector(series)) => match series.as_slice() {
            [] => return Err("it gives nothing".to_owned()),
            [one] => one.value.1.clone(),
            many => return Err(format!("it gives {} series, and one is needed: aggregate them", many.len())),
        },
        Some(Data::Scalar((_, value))) => value,
        Some(Data::Matrix(_) | Data::String(_)) | None => return Err("it gives no number".to_owned()),
    };
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| {
        format!("it gives {}, which is no number to judge by", text.chars().take(32).collect::<String>())
    })
}

/// For the query part of an address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_a_value_and_everything_else_says_why_not() {
        let vector = |result: &str| {
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#)
        };
        let cases = [
            (vector(r#"[{"metric":{},"value":[1700000000.5,"1.5"]}]"#), Ok(1.5)),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"-2"]}}"#
                    .to_owned(),
                Ok(-2.0),
            ),
            (vector("[]"), Err("it gives nothing")),
            (
                vector(r#"[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}]"#),
                Err("it gives 2 series, and one is needed: aggregate them"),
            ),
            (
                vector(r#"[{"metric":{},"value":[1,"NaN"]}]"#),
                Err("it gives NaN, which is no number to judge by"),
            ),
            (
                vector(r#"[{"metric":{},"value":[1,"+Inf"]}]"#),
                Err("it gives +Inf, which is no number to judge by"),
            ),
            (
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.to_owned(),
                Err("it answered 422: parse error"),
            ),
            ("<html>".to_owned(), Err("it answered 422 and nothing of Prometheus")),
            (
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#.to_owned(),
                Err("it gives no number"),
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(read(422, body.as_bytes()), expected.map_err(str::to_owned), "{body}");
        }
    }

    #[test]
    fn a_query_stays_one_parameter() {
        assert_eq!(encoded("up{a=\"b&c\"} + 1é"), "up%7Ba%3D%22b%26c%22%7D%20%2B%201%C3%A9");
    }
}

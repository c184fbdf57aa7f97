//! A GET.

use std::time::Duration;

use serin_outside::{Request, Url};
use serin_rollout::plan::HttpProbe;

use crate::Prober;
use crate::prober::Trouble;

/// So much of a body is taken; more speaks against the service.
const BODY_MAX: usize = 64 * 1024;

pub(crate) async fn check(prober: &Prober, probe: &HttpProbe, within: Duration) -> Result<(), Trouble> {
    let url: Url = probe.url.parse().map_err(|error| Trouble::NotAsked(format!("{error}")))?;
    let request = Request { body_max: BODY_MAX, ..Request::get(url, within) };
    let response = prober.http.send(request).await?;
    if !probe.status.contains(&response.status) {
        return Err(Trouble::Failed(format!("it answered {}", response.status)));
    }
    let needed = probe.body_contains.as_deref().unwrap_or_default();
    let is_there =
        needed.is_empty() || response.body.windows(needed.len()).any(|window| window == needed.as_bytes());
    if is_there {
        Ok(())
    } else {
        Err(Trouble::Failed("its answer does not contain what it should".to_owned()))
    }
}

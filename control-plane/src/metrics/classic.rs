//! From OpenMetrics to the older Prometheus text format 0.0.4, which promtool and older scrapers read.
//!
//! The samples are the same in both. Only the lines about them differ: the older form has no units, no end mark and
//! no `info` type, and names a counter as its samples are named.

/// Rewrites the lines about samples.
pub(super) fn from_openmetrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            if let Some((_, help)) = help.take() {
                classic.push_str(&format!("# HELP {name}{suffix} {help}\n"));
            }
            classic.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# UNIT ") && line != "# EOF" {
            classic.push_str(line);
            classic.push('\n');
        }
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::from_openmetrics;

    #[test]
    fn lines_about_samples_change_and_samples_stay() {
        let open = "# HELP a_seconds Time.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_sum 1\n\
                    # HELP b Count.\n# TYPE b counter\nb_total{c=\"# EOF\"} 2\n# HELP d Build.\n# TYPE d info\nd_info 1\n# EOF\n";
        let classic = "# HELP a_seconds Time.\n# TYPE a_seconds histogram\na_seconds_sum 1\n\
                       # HELP b_total Count.\n# TYPE b_total counter\nb_total{c=\"# EOF\"} 2\n\
                       # HELP d_info Build.\n# TYPE d_info gauge\nd_info 1\n";
        assert_eq!(from_openmetrics(open), classic);
    }
}

//! What logs and users tell, as text for people.

use crate::model::{Finding, SourceRisk};
use crate::output::Sheet;

pub(super) fn findings(sheet: &mut Sheet, sources: &[SourceRisk], findings: &[Finding]) {
    if sources.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line("Sources of evidence");
    sheet.table(["SOURCE", "PART", "RISK", "SHARE OF THE RISK"], sources.iter().map(source));
    for source in sources.iter().filter(|source| source.dropped_events > 0) {
        let SourceRisk { source, dropped_events, .. } = source;
        sheet.line(&format!(
            "{dropped_events} events of {source} are not judged: they came too late, or are of more kinds than are told apart"
        ));
    }
    if findings.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line("What logs and users tell");
    sheet.table(["SOURCE", "VERDICT", "WHAT", "SAMPLE"], findings.iter().map(finding));
}

fn source(source: &SourceRisk) -> [String; 4] {
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    [source.source.clone(), percent(source.weight), format!("{:.0}", source.risk), percent(source.share)]
}

fn finding(finding: &Finding) -> [String; 4] {
    let verdict = if finding.harmful { finding.verdict.label() } else { "told".to_owned() };
    let sample = finding.samples.first().cloned().unwrap_or_else(|| "-".to_owned());
    [finding.source.clone(), verdict, finding.text.clone(), sample]
}

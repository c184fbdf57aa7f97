//! From the JSON form to the checked form and back.

mod back;
mod component;
mod service;
mod text;

use std::collections::BTreeSet;

use super::error::{AssignmentError, Rule};
use super::types::{Assignment, Generation, HostPattern, ReportSettings, Service};
use super::{FORMAT_VERSION, bounds, raw};

type Checked<T> = Result<T, AssignmentError>;

impl TryFrom<raw::Assignment> for Assignment {
    type Error = AssignmentError;

    fn try_from(raw: raw::Assignment) -> Checked<Self> {
        if raw.version != FORMAT_VERSION {
            let rule = Rule::Version { found: raw.version, supported: FORMAT_VERSION };
            return Err(AssignmentError::new("version", rule));
        }
        text::at_most("services", raw.services.len(), bounds::SERVICES)?;
        let components: usize = raw.services.iter().map(|service| service.components.len()).sum();
        text::at_most("services[].components", components, bounds::COMPONENTS)?;
        let services = raw
            .services
            .into_iter()
            .enumerate()
            .map(|(index, service)| service::check(&format!("services[{index}]"), service))
            .collect::<Checked<Vec<_>>>()?;
        disjoint(&services)?;
        let report = raw.report.map(report).transpose()?;
        Ok(Self { generation: Generation(raw.generation), report, services })
    }
}

impl TryFrom<raw::Service> for Service {
    type Error = AssignmentError;

    /// Checks one service alone; fields are named from the service on.
    fn try_from(raw: raw::Service) -> Checked<Self> {
        text::at_most("components", raw.components.len(), bounds::COMPONENTS)?;
        service::check("", raw)
    }
}

fn report(raw: raw::Report) -> Checked<ReportSettings> {
    text::printable("report.cluster", &raw.cluster)?;
    text::in_range("report.interval_ms", raw.interval_ms.into(), 100, 60_000)?;
    text::in_range("report.host_sample", raw.host_sample.into(), 0, 1_000_000)?;
    if let Some(token) = &raw.token {
        text::printable("report.token", token)?;
    }
    let raw::Report { cluster, interval_ms, host_sample, route_metadata, token } = raw;
    Ok(ReportSettings { cluster, interval_ms, host_sample, route_metadata, token })
}

/// No two services share a name or a host, so that a request belongs to at most one.
fn disjoint(services: &[Service]) -> Checked<()> {
    let mut names = BTreeSet::new();
    let mut hosts: BTreeSet<Option<&HostPattern>> = BTreeSet::new();
    for (index, service) in services.iter().enumerate() {
        if !names.insert(&service.name) {
            let rule = Rule::Duplicate { name: service.name.clone() };
            return Err(AssignmentError::new(format!("services[{index}].name"), rule));
        }
        if service.hosts.is_empty() && !hosts.insert(None) {
            let rule = Rule::Duplicate { name: "every host".to_owned() };
            return Err(AssignmentError::new(format!("services[{index}].hosts"), rule));
        }
        for host in &service.hosts {
            if !hosts.insert(Some(host)) {
                let rule = Rule::Duplicate { name: back::host(host) };
                return Err(AssignmentError::new(format!("services[{index}].hosts"), rule));
            }
        }
    }
    Ok(())
}

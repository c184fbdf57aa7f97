//! The real binary, as people and pipelines run it.

#[cfg(test)]
#[path = "command_line/program.rs"]
mod program;

#[cfg(test)]
#[path = "command_line/offline.rs"]
mod offline;

#[cfg(test)]
#[path = "command_line/unreachable.rs"]
mod unreachable;

#[cfg(test)]
#[path = "command_line/server.rs"]
mod server;

#[cfg(test)]
#[path = "command_line/online.rs"]
mod online;

#[cfg(test)]
#[path = "command_line/guarded.rs"]
mod guarded;

#[cfg(test)]
#[path = "command_line/replay.rs"]
mod replay;

#[cfg(test)]
#[path = "command_line/record.rs"]
mod record;

#[cfg(test)]
#[path = "command_line/registry.rs"]
mod registry;

#[cfg(test)]
#[path = "command_line/registry_page.rs"]
mod registry_page;

#[cfg(test)]
#[path = "command_line/live_traffic.rs"]
mod live_traffic;

#[cfg(test)]
#[path = "command_line/logged.rs"]
mod logged;

#[cfg(test)]
#[path = "command_line/experiment.rs"]
mod experiment;

#[cfg(test)]
#[path = "command_line/forecast.rs"]
mod forecast;

#[cfg(test)]
#[path = "command_line/learn.rs"]
mod learn;

#[cfg(test)]
#[path = "command_line/policy.rs"]
mod policy;

#[cfg(test)]
#[path = "command_line/emergency.rs"]
mod emergency;

#[cfg(test)]
#[path = "command_line/train.rs"]
mod train;

#[cfg(test)]
#[path = "command_line/evidence.rs"]
mod evidence;

#[cfg(test)]
#[path = "command_line/next_step.rs"]
mod next_step;

#[cfg(test)]
#[path = "command_line/notifications.rs"]
mod notifications;

#[cfg(test)]
#[path = "command_line/decision.rs"]
mod decision;

#[cfg(test)]
#[path = "command_line/logs.rs"]
mod logs;

#[cfg(test)]
#[path = "command_line/predict.rs"]
mod predict;

#[cfg(test)]
#[path = "command_line/predict_refused.rs"]
mod predict_refused;

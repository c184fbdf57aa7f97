//! The real module at its ABI, in a proxy that scripts every hostcall.

#[cfg(test)]
mod beacons;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod host;
#[cfg(test)]
mod module;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod routing;

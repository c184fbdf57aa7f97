//! Charts, drawn as SVG where the page is rendered: no script, and the same for everyone.
//!
//! Each is a figure with a sentence that says what it shows, and the same numbers as a table. Arms differ in colour and in dashes.

pub(crate) mod axis;
pub(crate) mod bars;
pub(crate) mod categories;
pub(crate) mod control;
pub(crate) mod evidence;
mod figure;
pub(crate) mod forecast;
pub(crate) mod latency;
mod path;
mod plot;
pub(crate) mod slots;
pub(crate) mod sparkline;

pub(crate) use figure::{Figure, Table, thinned};
pub(crate) use path::{area, line};
pub(crate) use plot::{Plot, Tick, times};

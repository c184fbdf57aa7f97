//! What the browser tells.

use std::fmt;

use serde::Deserialize;

/// What answered, and what is shown now.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// Status of the document.
    pub status: Option<u16>,
    /// Path and query of what is shown.
    pub path: String,
    /// Its title.
    pub title: String,
}

/// One element.
#[derive(Clone, Debug, Deserialize)]
pub struct Found {
    /// What is written on it.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
    /// Its name for assistive technology, where that is told apart.
    pub label: Option<String>,
}

/// How a page fits its window.
#[derive(Clone, Debug, Deserialize)]
pub struct Fit {
    /// Width of the window without scroll bars, in CSS pixels.
    pub width: u32,
    /// Width of what is in it. More than `width`: the page scrolls sideways.
    pub scroll_width: u32,
    /// What sticks out.
    pub sticking_out: Vec<String>,
}

/// A rule of axe that a page breaks.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// Name of the rule.
    pub id: String,
    /// What it asks for.
    pub help: String,
    /// The first elements that break it.
    pub nodes: Vec<Node>,
}

/// An element that breaks a rule.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Its selector.
    pub target: String,
    /// Its start.
    pub html: String,
    /// How to mend it.
    pub why: String,
}

/// The keyboard's way through a page.
#[derive(Clone, Debug, Deserialize)]
pub struct Walk {
    /// Controls that it should reach.
    pub meant: usize,
    /// What it reached, in order.
    pub reached: Vec<Focused>,
    /// What it did not.
    pub missed: Vec<String>,
}

/// A control that has the focus.
#[derive(Clone, Debug, Deserialize)]
pub struct Focused {
    /// Its element.
    pub tag: String,
    /// What is written on it.
    pub name: String,
    /// Where it leads.
    pub href: Option<String>,
    /// Whether the focus can be seen: it has an outline or a shadow.
    pub outlined: bool,
    /// Whether it is within the window.
    pub in_view: bool,
}

/// What was noted beside a page since it was opened.
#[derive(Clone, Debug, Deserialize)]
pub struct Notes {
    /// Requests to other origins.
    pub foreign: Vec<String>,
    /// Errors of scripts, and violations of the content security policy.
    pub errors: Vec<String>,
    /// Dialogs that were shown.
    pub dialogs: Vec<String>,
    /// All requests.
    pub requests: u64,
}

impl Notes {
    /// Whether a page kept to its origin, ran without an error and showed no dialog.
    #[must_use]
    pub fn are_clean(&self) -> bool {
        self.foreign.is_empty() && self.errors.is_empty() && self.dialogs.is_empty()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.id, self.help)?;
        self.nodes
            .iter()
            .try_for_each(|node| write!(formatter, "\n  {}\n  {}\n  {}", node.target, node.html, node.why))
    }
}

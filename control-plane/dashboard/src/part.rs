//! Parts of a page, and which of them changed.

use maud::{Markup, PreEscaped, html};
use serde_json::json;

/// An element of a page that is sent again when it changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Identifier of the element.
    pub id: String,
    /// What is inside the element.
    pub html: String,
}

/// Collects the parts of a page while it is rendered.
#[derive(Debug, Default)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// An element `div` with `content`, noted as a part. Identifiers are unique within a page and made of `a-z`, `0-9` and `-`.
    pub fn put(&mut self, id: &str, content: Markup) -> Markup {
        self.note(id, &content);
        html! { div id=(id) { (content) } }
    }

    /// Notes a part whose element the caller writes, for example a row of a table.
    pub fn note(&mut self, id: &str, content: &Markup) {
        self.0.push(Part { id: id.to_owned(), html: content.0.clone() });
    }
}

/// A page without its frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    /// Title of the document.
    pub title: String,
    /// Path of the live stream. `None`: the page does not change.
    pub live: Option<String>,
    /// What is inside `main`.
    pub main: String,
    /// Parts within it.
    pub parts: Vec<Part>,
}

impl Rendered {
    /// A page of `main`, in which `parts` were noted.
    #[must_use]
    pub fn new(title: String, live: Option<String>, main: Markup, parts: Parts) -> Self {
        let PreEscaped(main) = main;
        Self { title, live, main, parts: parts.0 }
    }

    /// Everything, as [`changes`] would tell it: for who joins.
    #[must_use]
    pub fn whole(&self) -> String {
        json!({ "title": self.title, "main": self.main }).to_string()
    }
}

/// What differs between two renderings of one page, as JSON: `{"title", "parts": [[id, html], …]}`, or `{"title", "main"}` where other
/// parts are on it. `None`: nothing does.
#[must_use]
pub fn changes(before: &Rendered, after: &Rendered) -> Option<String> {
    let is_same = |(one, other): (&Part, &Part)| one.id == other.id;
    if before.parts.len() != after.parts.len() || !before.parts.iter().zip(&after.parts).all(is_same) {
        return Some(after.whole());
    }
    let changed = before.parts.iter().zip(&after.parts).filter(|(one, other)| one != other);
    let changed: Vec<_> = changed.map(|(_, part)| (&part.id, &part.html)).collect();
    if changed.is_empty() && before.title == after.title {
        return None;
    }
    Some(json!({ "title": after.title, "parts": changed }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(texts: &[(&str, &str)]) -> Rendered {
        let mut parts = Parts::default();
        let main = html! { @for (id, text) in texts { (parts.put(id, html! { (text) })) } };
        Rendered::new("Title".to_owned(), None, main, parts)
    }

    #[test]
    fn only_the_parts_that_changed_are_told_and_markup_in_them_stays_text() {
        let before = page(&[("one", "1"), ("two", "2")]);
        assert_eq!(changes(&before, &before), None);
        let after = page(&[("one", "1"), ("two", "<b>")]);
        assert_eq!(changes(&before, &after).unwrap(), r#"{"parts":[["two","&lt;b&gt;"]],"title":"Title"}"#);
    }

    #[test]
    fn a_page_with_other_parts_is_told_as_a_whole() {
        let (before, after) = (page(&[("one", "1")]), page(&[("one", "1"), ("two", "2")]));
        assert_eq!(changes(&before, &after).unwrap(), after.whole());
    }
}

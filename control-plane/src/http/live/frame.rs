//! What the viewers of a topic are sent at one moment.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serin_dashboard::{Rendered, changes};
use serin_rollout::UnixMillis;

/// A page at one moment, and how to bring a viewer there.
#[derive(Debug)]
pub(super) struct Frame {
    rendered: Rendered,
    at: UnixMillis,
    /// How often the page changed until the frame before, and until this one.
    versions: (u64, u64),
    /// For who saw the frame before, or one like it.
    step: Bytes,
    whole: OnceLock<Bytes>,
}

impl Frame {
    /// The frame that follows on another.
    pub(super) fn after(before: Option<&Arc<Self>>, rendered: Rendered, at: UnixMillis) -> Self {
        let seen = before.map_or(0, |before| before.versions.1);
        let changed = match before {
            Some(before) => changes(&before.rendered, &rendered),
            None => Some(String::new()),
        };
        let version = if changed.is_some() { seen.saturating_add(1) } else { seen };
        let step = event(changed.as_deref().filter(|_| before.is_some()), at);
        Self { rendered, at, versions: (seen, version), step, whole: OnceLock::new() }
    }

    /// What brings a viewer here who saw `version`. `None`: it saw nothing yet.
    pub(super) fn bytes(&self, version: Option<u64>) -> (Bytes, u64) {
        let (before, now) = self.versions;
        let bytes = match version {
            Some(seen) if seen == before && before != 0 => self.step.clone(),
            // What was the last change is no change any more.
            Some(seen) if seen == now => event(None, self.at),
            Some(_) | None => self.whole.get_or_init(|| event(Some(&self.rendered.whole()), self.at)).clone(),
        };
        (bytes, now)
    }
}

/// An event with what changed, and one with the time. What changed is JSON, which has no line breaks.
fn event(changed: Option<&str>, at: UnixMillis) -> Bytes {
    let changed = changed.map(|changed| format!("data: {changed}\n\n")).unwrap_or_default();
    Bytes::from(format!("{changed}event: tick\ndata: {}\n\n", at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Rendered {
        let part = serin_dashboard::Part { id: "one".to_owned(), html: text.to_owned() };
        let (title, main) = ("Title".to_owned(), format!("<div id=one>{text}</div>"));
        Rendered { title, live: None, main, parts: vec![part] }
    }

    fn text(frame: &Frame, version: Option<u64>) -> (String, u64) {
        let (bytes, version) = frame.bytes(version);
        (String::from_utf8(bytes.to_vec()).unwrap(), version)
    }

    #[test]
    fn who_saw_the_frame_before_gets_what_changed_and_who_missed_one_gets_the_whole() {
        let first = Arc::new(Frame::after(None, page("1"), UnixMillis(1)));
        let (whole, seen) = text(&first, None);
        assert!(whole.contains("main") && whole.ends_with("event: tick\ndata: 1\n\n"), "{whole}");
        let same = Arc::new(Frame::after(Some(&first), page("1"), UnixMillis(2)));
        assert_eq!(text(&same, Some(seen)), ("event: tick\ndata: 2\n\n".to_owned(), seen));
        let second = Arc::new(Frame::after(Some(&same), page("2"), UnixMillis(3)));
        let (step, after) = text(&second, Some(seen));
        assert!(step.contains(r#"[["one","2"]]"#) && !step.contains("main"), "{step}");
        assert_eq!(text(&second, Some(after)), ("event: tick\ndata: 3\n\n".to_owned(), after));
        let third = Frame::after(Some(&second), page("3"), UnixMillis(4));
        assert!(text(&third, Some(seen)).0.contains("main"));
        assert!(!text(&third, Some(after)).0.contains("main"));
    }
}

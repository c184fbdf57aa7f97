//! What a record says where its body is no text: numbers and truths as they are written, lists with blanks between, and of members the
//! message, or else `name=value` of all. Bytes say nothing. What nests deeper than [`DEEPEST`], and what exceeds [`BYTES_MAX`], is left out.

/// Deepest nesting of a body that is looked at.
pub(super) const DEEPEST: usize = 8;
/// Bytes of what is made of a body.
const BYTES_MAX: usize = 4_096;
/// Names under which loggers put the message, the first before the others.
const MESSAGES: [&str; 3] = ["message", "msg", "body"];

/// Text that is put together.
#[derive(Debug, Default)]
pub(super) struct Said {
    text: String,
    /// The message among the members, and the place of its name.
    message: Option<(usize, String)>,
}

impl Said {
    /// Adds an element of a list.
    pub(super) fn element(&mut self, text: &str) {
        let blank = if self.text.is_empty() { "" } else { " " };
        let room = BYTES_MAX.saturating_sub(self.text.len() + blank.len());
        let text = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        if !text.is_empty() {
            self.text.push_str(blank);
            self.text.push_str(text);
        }
    }

    /// Adds a member.
    pub(super) fn member(&mut self, name: &str, text: &str) {
        let place = MESSAGES.iter().position(|message| *message == name);
        if let Some(place) =
            place.filter(|place| self.message.as_ref().is_none_or(|(other, _)| place < other))
        {
            self.message = Some((place, text.to_owned()));
        }
        self.element(&format!("{name}={text}"));
    }

    /// All of it. `None`: nothing was said.
    pub(super) fn text(self) -> Option<String> {
        let text = self.message.map_or(self.text, |(_, message)| message);
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_members_the_message_counts_and_else_all_within_the_bound() {
        let said = |members: &[(&str, &str)]| {
            let mut said = Said::default();
            members.iter().for_each(|(name, text)| said.member(name, text));
            said.text()
        };
        assert_eq!(said(&[("order", "7"), ("ok", "false")]).as_deref(), Some("order=7 ok=false"));
        assert_eq!(said(&[("body", "b"), ("message", "m"), ("msg", "n")]).as_deref(), Some("m"));
        assert_eq!(said(&[]), None);
        let long = "é".repeat(BYTES_MAX);
        let cut = said(&[("a", &long), ("b", "c")]).unwrap();
        assert!((BYTES_MAX - 3..=BYTES_MAX).contains(&cut.len()), "{}", cut.len());
    }
}

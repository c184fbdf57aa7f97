//! Forms that browsers post.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};

/// Bytes of a form.
pub(crate) const FORM_BYTES_MAX: usize = 16 * 1024;
/// Fields of a form; what comes after them is passed over.
const FIELDS_MAX: usize = 32;

/// The fields of a form, the last of each name. `None`: it is none.
pub(crate) fn fields(headers: &HeaderMap, body: &[u8]) -> Option<BTreeMap<String, String>> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    if !kind.starts_with(b"application/x-www-form-urlencoded") || body.len() > FORM_BYTES_MAX {
        return None;
    }
    let fields = form_urlencoded::parse(body).take(FIELDS_MAX);
    Some(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_within_its_bounds_and_nothing_else_is_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(fields(&headers, b"reason=x"), None);
        headers.insert(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap(),
        );
        let read = fields(&headers, b"reason=it+is%20bad&reason=%3Cb%3E&arm=").unwrap();
        assert_eq!((read["reason"].as_str(), read["arm"].as_str()), ("<b>", ""));
        assert_eq!(fields(&headers, &[b'a'; FORM_BYTES_MAX + 1]), None);
        let many: String = (0..100).map(|field| format!("{field:03}=&")).collect();
        assert_eq!(fields(&headers, many.as_bytes()).unwrap().len(), FIELDS_MAX);
    }
}

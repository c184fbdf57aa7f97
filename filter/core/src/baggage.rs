//! W3C Baggage: which version of a restored block a request carries.
//!
//! The filter alone says which versions the blocks of a component have: a member of such a block that came with the request is
//! removed, whoever set it. All other members are handed on as they came, as long as they fit: of a header that would
//! exceed [`MAX_BYTES`] or [`MAX_MEMBERS`] the last ones are dropped, as the standard allows. Members of blocks of other
//! components are handed on too: they were set by the filter before this one.

use serin_proto::assignment::{BLOCK_BAGGAGE_PREFIX, Block, TRAIN_BAGGAGE};

/// Bytes of a baggage header, as the standard says that every platform hands on.
pub const MAX_BYTES: usize = 8_192;
/// Members of a baggage header, likewise.
pub const MAX_MEMBERS: usize = 64;

/// What becomes of the `baggage` header of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Baggage {
    /// Nothing.
    #[default]
    Keep,
    /// It is removed: nothing is left of it.
    Remove,
    /// It gets this value.
    Replace {
        /// The whole header.
        value: String,
        /// Members that came with the request and are dropped because they do not fit.
        dropped: usize,
    },
}

/// The blocks of a component, ready for requests.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    names: Box<[Box<str>]>,
    /// Members of all restored blocks, and whether requests to the baseline carry them too.
    restored: Vec<(String, bool)>,
}

impl Blocks {
    pub(crate) fn new(blocks: &[Block]) -> Self {
        let member = |block: &Block| {
            let version = encoded(block.restored.as_deref()?);
            Some((format!("{BLOCK_BAGGAGE_PREFIX}{}={version}", block.name), block.everywhere))
        };
        Self {
            names: blocks.iter().map(|block| block.name.as_str().into()).collect(),
            restored: blocks.iter().filter_map(member).collect(),
        }
    }

    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What becomes of the header `came` of a request to the baseline or to another arm. `train`: whether the service is in a
    /// train, and the member that the request then carries.
    pub(crate) fn baggage(
        &self,
        came: Option<&[u8]>,
        to_baseline: bool,
        train: Option<Option<&str>>,
    ) -> Baggage {
        let carried = || {
            let told = self.restored.iter().filter(|(_, everywhere)| !to_baseline || *everywhere);
            told.map(|(member, _)| member.as_str()).chain(train.flatten())
        };
        let came = came.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let of_ours = |member: &str| {
            let key = member.split(['=', ';']).next().unwrap_or_default().trim();
            (train.is_some() && key == TRAIN_BAGGAGE)
                || key
                    .strip_prefix(BLOCK_BAGGAGE_PREFIX)
                    .is_some_and(|block| self.names.iter().any(|name| **name == *block))
        };
        let members = || came.split(',').map(str::trim).filter(|member| !member.is_empty());
        if carried().next().is_none() && !members().any(of_ours) {
            return Baggage::Keep;
        }
        let (mut value, mut count, mut dropped) = (String::new(), 0, 0);
        let ours = carried().count();
        for (at, member) in carried().chain(members().filter(|member| !of_ours(member))).enumerate() {
            if at >= ours && (count >= MAX_MEMBERS || value.len() + 1 + member.len() > MAX_BYTES) {
                dropped += 1;
                continue;
            }
            if !value.is_empty() {
                value.push(',');
            }
            value.push_str(member);
            count += 1;
        }
        if value.is_empty() && dropped == 0 { Baggage::Remove } else { Baggage::Replace { value, dropped } }
    }
}

/// A value as a baggage member holds it: percent-encoded but for what the standard allows plainly.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'"' | b',' | b';' | b'\\' | b'%' => text.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn block(name: &str, restored: Option<&str>, everywhere: bool) -> Block {
        Block { name: name.to_owned(), restored: restored.map(str::to_owned), everywhere }
    }

    fn blocks() -> Blocks {
        Blocks::new(&[block("tax", Some("v6"), false), block("price", None, false)])
    }

    #[test]
    fn after_a_hand_over_requests_to_the_baseline_carry_it_too() {
        let blocks = Blocks::new(&[block("tax", Some("v6"), true), block("price", Some("v1"), false)]);
        assert_eq!(blocks.baggage(Some(b"a=1"), true, None), replaced("serin.block.tax=v6,a=1"));
        assert_eq!(blocks.baggage(None, false, None), replaced("serin.block.tax=v6,serin.block.price=v1"));
    }

    fn check(came: Option<&str>, to_baseline: bool, expected: Baggage) {
        assert_eq!(blocks().baggage(came.map(str::as_bytes), to_baseline, None), expected, "{came:?}");
    }

    fn replaced(value: &str) -> Baggage {
        Baggage::Replace { value: value.to_owned(), dropped: 0 }
    }

    #[test]
    fn a_restored_block_is_told_to_the_canary_alone() {
        check(None, false, replaced("serin.block.tax=v6"));
        check(None, true, Baggage::Keep);
    }

    #[test]
    fn what_was_there_is_handed_on() {
        check(Some("a=1, b=2;p=q"), false, replaced("serin.block.tax=v6,a=1,b=2;p=q"));
        check(Some("a=1"), true, Baggage::Keep);
        check(Some("serin.block.other=v1"), false, replaced("serin.block.tax=v6,serin.block.other=v1"));
    }

    #[test]
    fn a_clients_member_of_a_block_is_removed_on_both_arms() {
        check(Some("serin.block.tax=v7,a=1"), false, replaced("serin.block.tax=v6,a=1"));
        check(Some("a=1 , serin.block.price = v9;x"), true, replaced("a=1"));
        check(Some("serin.block.tax=v7"), true, Baggage::Remove);
        assert_eq!(
            blocks().baggage(Some(b"\xff,serin.block.tax=v7"), false, None),
            replaced("serin.block.tax=v6")
        );
    }

    #[test]
    fn a_member_of_a_train_is_replaced_where_the_service_is_in_one_and_passes_elsewhere() {
        let came: &[u8] = b"a=1,serin.train=forged";
        let (inside, outside) = (Some(Some("serin.train=ours")), Some(None));
        assert_eq!(
            blocks().baggage(Some(came), false, inside),
            replaced("serin.block.tax=v6,serin.train=ours,a=1")
        );
        assert_eq!(blocks().baggage(Some(came), true, outside), replaced("a=1"));
        assert_eq!(blocks().baggage(Some(b"serin.train=forged"), true, outside), Baggage::Remove);
        assert_eq!(blocks().baggage(Some(came), true, None), Baggage::Keep);
        assert_eq!(Blocks::default().baggage(None, true, outside), Baggage::Keep);
        assert_eq!(Blocks::default().baggage(None, false, inside), replaced("serin.train=ours"));
    }

    #[test]
    fn an_oversized_header_loses_its_last_members() {
        let many = vec!["k=v"; 80].join(",");
        let Baggage::Replace { value, dropped } = blocks().baggage(Some(many.as_bytes()), false, None) else {
            panic!()
        };
        assert_eq!((value.split(',').count(), dropped), (MAX_MEMBERS, 17));
        let long = format!("long={},short=1", "x".repeat(MAX_BYTES));
        check(
            Some(&long),
            false,
            Baggage::Replace { value: "serin.block.tax=v6,short=1".to_owned(), dropped: 1 },
        );
    }

    #[test]
    fn a_version_is_encoded_where_the_standard_asks_for_it() {
        assert_eq!(encoded("v6"), "v6");
        assert_eq!(encoded("1,2;3\"4\\5%6=7"), "1%2C2%3B3%224%5C5%256=7");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), wasm_bindgen_test::wasm_bindgen_test)]
        fn any_header_keeps_within_the_bounds_and_says_one_version(
            came in prop_oneof!["[ -~]{0,200}", "(serin.block.(tax|price)=[a-z]{0,3}[,;]|a=b,){0,90}"],
            to_baseline: bool,
        ) {
            let value = match blocks().baggage(Some(came.as_bytes()), to_baseline, None) {
                Baggage::Replace { value, .. } => value,
                Baggage::Remove => String::new(),
                Baggage::Keep => came,
            };
            let ours = value.split(',').filter(|member| {
                let key = member.split(['=', ';']).next().unwrap_or_default().trim();
                key == "serin.block.tax" || key == "serin.block.price"
            });
            prop_assert_eq!(ours.count(), usize::from(!to_baseline));
            prop_assert!(to_baseline || value.len() <= MAX_BYTES);
        }
    }
}

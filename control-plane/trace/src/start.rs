//! How a rollout stood when its recording began, in pieces of which each fits in a line.
//!
//! A replay that begins with it goes on as the live rollout did, with the evidence of the time before. The evidence is the
//! engine's own form, which changes with its version: one that a later version cannot read is left out, and said so.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::line::Rule;
use crate::merged::MILLIS_MAX;

/// Version of the packed form.
const FORMAT: u32 = 1;
/// Bytes of a piece, before base64.
const PIECE_BYTES: usize = 384 * 1024;
/// Pieces of a start.
const PIECES_MAX: u32 = 128;
/// Bytes of evidence that are kept.
pub const EVIDENCE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a start when it is unpacked. Text within JSON may take twice as many as by itself.
const UNPACKED_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// Bytes of the name of a rollout.
const ROLLOUT_BYTES_MAX: usize = 64;

/// How a rollout stood when its recording began.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Start {
    /// Unix time in ms at which the recording began.
    pub at_ms: u64,
    /// Unix time in ms of the live loop's last judgement that did not wait for news. 0: not known.
    pub last_tick_ms: u64,
    /// Identifier of the rollout.
    pub rollout: String,
    /// Its plan, as YAML.
    pub plan: String,
    /// Its state, as JSON.
    pub state: String,
    /// The evidence until then, as JSON. `None`: there is none, or too much to be kept.
    pub evidence: Option<String>,
}

/// A piece of a start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    at_ms: u64,
    rollout: String,
    part: u32,
    parts: u32,
    packed: Vec<u8>,
}

/// Pieces of a start that has not come whole yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    taken: u32,
    packed: Vec<u8>,
}

/// How the rollout stood when the recording began: the first lines of a recording. Pieces of one start are to be joined.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceStart")]
pub(crate) struct Raw {
    /// Unix time in ms at which the recording began.
    #[schemars(range(max = 253_402_300_799_999_u64))]
    at_ms: u64,
    /// Identifier of the rollout.
    #[schemars(length(min = 1, max = 64))]
    rollout: String,
    /// Number of the piece, from 1.
    #[schemars(range(min = 1, max = 128))]
    part: u32,
    /// How many pieces there are.
    #[schemars(range(min = 1, max = 128))]
    parts: u32,
    /// Base64. Joined, the pieces are gzip of JSON with `format` (1), `plan` (YAML), `state` and `evidence` (JSON as
    /// text), and `last_tick_ms`.
    packed: String,
}

#[derive(Deserialize, Serialize)]
struct Unpacked {
    format: u32,
    plan: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    #[serde(default)]
    last_tick_ms: u64,
}

impl Start {
    /// The pieces to be written. Evidence that is too large is left out.
    ///
    /// # Errors
    /// When plan and state alone are too large.
    pub fn pieces(self) -> Result<Vec<Piece>, std::io::Error> {
        let Self { at_ms, last_tick_ms, rollout, plan, state, evidence } = self;
        let evidence = evidence.filter(|evidence| evidence.len() <= EVIDENCE_BYTES_MAX);
        let json = serde_json::to_vec(&Unpacked { format: FORMAT, plan, state, evidence, last_tick_ms })?;
        let mut packed = Vec::new();
        GzEncoder::new(json.as_slice(), Compression::default()).read_to_end(&mut packed)?;
        let parts = u32::try_from(packed.len().div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX);
        if parts > PIECES_MAX {
            return Err(std::io::Error::other("the state of the rollout is too large to be recorded"));
        }
        let pieces = packed.chunks(PIECE_BYTES).zip(1..).map(|(packed, part)| Piece {
            at_ms,
            rollout: rollout.clone(),
            part,
            parts,
            packed: packed.to_vec(),
        });
        Ok(pieces.collect())
    }
}

impl Piece {
    pub(crate) fn check(raw: Raw) -> Result<Self, (&'static str, Rule)> {
        let Raw { at_ms, rollout, part, parts, packed } = raw;
        if at_ms > MILLIS_MAX {
            return Err(("at_ms", Rule::Shape("is beyond the year 9999".to_owned())));
        }
        if !(1..=ROLLOUT_BYTES_MAX).contains(&rollout.len()) {
            return Err(("rollout", Rule::Text(ROLLOUT_BYTES_MAX)));
        }
        if parts > PIECES_MAX || !(1..=parts).contains(&part) {
            return Err(("part", Rule::Shape(format!("must be 1 to `parts`, at most {PIECES_MAX}"))));
        }
        let packed =
            STANDARD.decode(packed).map_err(|_| ("packed", Rule::Shape("is not base64".to_owned())))?;
        Ok(Self { at_ms, rollout, part, parts, packed })
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw {
            at_ms: self.at_ms,
            rollout: self.rollout.clone(),
            part: self.part,
            parts: self.parts,
            packed: STANDARD.encode(&self.packed),
        }
    }
}

impl Pieces {
    /// Takes the next piece; gives the start when it was the last one.
    pub(crate) fn join(&mut self, piece: Piece) -> Result<Option<Start>, Rule> {
        if piece.part != self.taken + 1 {
            return Err(Rule::Shape(format!("is piece {}, not {}", piece.part, self.taken + 1)));
        }
        self.taken = piece.part;
        self.packed.extend_from_slice(&piece.packed);
        if piece.part < piece.parts {
            return Ok(None);
        }
        let mut json = Vec::new();
        let mut unpacking = GzDecoder::new(self.packed.as_slice()).take(UNPACKED_BYTES_MAX + 1);
        let read = unpacking.read_to_end(&mut json).ok().filter(|read| *read as u64 <= UNPACKED_BYTES_MAX);
        let unpacked = read.and_then(|_| serde_json::from_slice::<Unpacked>(&json).ok());
        let Some(Unpacked { format, plan, state, evidence, last_tick_ms }) = unpacked else {
            return Err(Rule::Shape("cannot be unpacked".to_owned()));
        };
        if format != FORMAT {
            return Err(Rule::Shape(format!(
                "has format {format}, and {FORMAT} is known: use a newer version"
            )));
        }
        let Piece { at_ms, rollout, .. } = piece;
        Ok(Some(Start { at_ms, last_tick_ms, rollout, plan, state, evidence }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(evidence: Option<String>) -> Start {
        let [plan, state] = ["service: shop", "{}"].map(str::to_owned);
        Start { at_ms: 1, last_tick_ms: 1, rollout: "shop-1".to_owned(), plan, state, evidence }
    }

    /// Text that does not compress well.
    fn noise(bytes: usize) -> String {
        let mut state = 1_u64;
        let digits = (0..bytes / 16).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{state:016x}")
        });
        digits.collect()
    }

    #[test]
    fn a_start_of_any_size_comes_in_pieces_that_fit_in_a_line_and_are_joined_again() {
        for (evidence, parts) in [(None, 1), (Some(noise(1_000)), 1), (Some(noise(2_000_000)), 3)] {
            let pieces = start(evidence.clone()).pieces().unwrap();
            assert_eq!(pieces.len(), parts);
            let mut joining = Pieces::default();
            let mut joined = None;
            for piece in pieces {
                let raw = piece.raw();
                assert!(raw.packed.len() < crate::LINE_BYTES_MAX / 2 + 1);
                assert!(joined.is_none());
                joined = joining.join(Piece::check(raw).unwrap()).unwrap();
            }
            assert_eq!(joined, Some(start(evidence)));
        }
    }

    #[test]
    fn pieces_that_are_missing_damaged_or_of_another_format_are_refused() {
        let pieces = start(Some(noise(2_000_000))).pieces().unwrap();
        let join = |pieces: Vec<Piece>| {
            let mut joining = Pieces::default();
            pieces.into_iter().map(|piece| joining.join(piece)).find_map(Result::err).unwrap().to_string()
        };
        assert_eq!(join(vec![pieces[1].clone()]), "is piece 2, not 1");
        assert_eq!(join(vec![pieces[0].clone(), pieces[2].clone()]), "is piece 3, not 2");
        let mut damaged = pieces;
        damaged[1].packed.truncate(100);
        assert_eq!(join(damaged), "cannot be unpacked");
        let other = r#"{"format":2,"plan":"","state":""}"#;
        let mut packed = Vec::new();
        GzEncoder::new(other.as_bytes(), Compression::default()).read_to_end(&mut packed).unwrap();
        let piece = Piece { packed, ..start(None).pieces().unwrap().remove(0) };
        assert_eq!(join(vec![piece]), "has format 2, and 1 is known: use a newer version");
    }
}

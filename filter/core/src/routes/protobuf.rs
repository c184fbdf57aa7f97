//! As much of protobuf's wire format as a route's metadata needs, without the code that generated types bring along.

use prost::encoding::decode_varint;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Payload<'b> {
    /// A number, a truth value or a null.
    Varint,
    /// A double.
    Double(f64),
    /// Text or a message.
    Bytes(&'b [u8]),
}

/// The fields of an encoded message, in order; `None` where the bytes are no message.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    pub(super) const fn of(message: &'b [u8]) -> Self {
        Self(message)
    }

    /// What the last field of this number holds in bytes; empty if there is none. `None`: the bytes are no message.
    pub(super) fn bytes(self, number: u64) -> Option<&'b [u8]> {
        let mut found: &[u8] = &[];
        for field in self {
            if let (of, Payload::Bytes(bytes)) = field?
                && of == number
            {
                found = bytes;
            }
        }
        Some(found)
    }

    fn field(&mut self) -> Option<(u64, Payload<'b>)> {
        let tag = decode_varint(&mut self.0).ok()?;
        let payload = match tag & 7 {
            0 => decode_varint(&mut self.0).ok().map(|_| Payload::Varint)?,
            1 => {
                let (bytes, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Payload::Double(f64::from_le_bytes(*bytes))
            }
            2 => {
                let length =
                    decode_varint(&mut self.0).ok().and_then(|length| usize::try_from(length).ok())?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Payload::Bytes(bytes)
            }
            _ => return None,
        };
        Some((tag >> 3, payload))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Option<(u64, Payload<'b>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

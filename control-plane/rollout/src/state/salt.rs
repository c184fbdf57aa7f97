//! A salt in JSON: 32 hexadecimal digits.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use serin_proto::assignment::Salt;

pub(crate) fn format(salt: Salt) -> String {
    format!("{:032x}", salt.0)
}

pub(crate) fn parse(text: &str) -> Option<Salt> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| digits).map(Salt)
}

pub(crate) fn serialize<S: Serializer>(salt: &Salt, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*salt))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Salt, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom("a salt is 32 hexadecimal digits"))
}

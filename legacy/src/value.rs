//! Rows as the original's writers see them: a map from column name to value.
//!
//! A value is spilled as a one-letter tag and its payload, so that an `int32` comes back as an `int32`. Strings are the
//! original's strings: bytes that are usually UTF-8, without a promise; nothing here checks them.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::schema::ColumnType;

/// A row. An absent key and [`Value::Null`] mean the same, except that a key must be in the writer's schema.
pub type Row = BTreeMap<String, Value>;

/// The value of one column in one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    #[serde(rename = "n")]
    Null,
    /// A boolean.
    #[serde(rename = "b")]
    Boolean(bool),
    /// A signed integer of 32 bits; narrower ones are widened to it (defect G).
    #[serde(rename = "i")]
    Int32(i32),
    /// A signed integer of 64 bits.
    #[serde(rename = "l")]
    Int64(i64),
    /// A float of 32 bits. Only through the row interface: the reader refuses such columns.
    #[serde(rename = "f")]
    Float32(f32),
    /// A float of 64 bits.
    #[serde(rename = "d")]
    Float64(f64),
    /// Text, unchecked.
    #[serde(rename = "s", with = "bytes")]
    String(Vec<u8>),
    /// Bytes.
    #[serde(rename = "y", with = "bytes")]
    Bytes(Vec<u8>),
}

impl Value {
    /// Whether this is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The column type that holds this value; none for null.
    #[must_use]
    pub fn column_type(&self) -> Option<ColumnType> {
        match self {
            Self::Null => None,
            Self::Boolean(_) => Some(ColumnType::Boolean),
            Self::Int32(_) => Some(ColumnType::Int32),
            Self::Int64(_) => Some(ColumnType::Int64),
            Self::Float32(_) => Some(ColumnType::Float32),
            Self::Float64(_) => Some(ColumnType::Float64),
            Self::String(_) => Some(ColumnType::String),
            Self::Bytes(_) => Some(ColumnType::Bytes),
        }
    }

    /// Name of the kind of value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Int32(_) => "int32",
            Self::Int64(_) => "int64",
            Self::Float32(_) => "float32",
            Self::Float64(_) => "float64",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.as_bytes().to_vec())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int64(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float64(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

/// A row on its way to the spill file: without its nulls, as the original's encoding has none.
pub(crate) struct WithoutNulls<'a>(pub(crate) &'a Row);

impl Serialize for WithoutNulls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = || self.0.iter().filter(|(_, value)| !value.is_null());
        let mut map = serializer.serialize_map(Some(present().count()))?;
        for (name, value) in present() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Byte strings as byte strings, not as lists of numbers.
mod bytes {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(ByteVisitor)
    }

    struct ByteVisitor;

    impl Visitor<'_> for ByteVisitor {
        type Value = Vec<u8>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a byte string")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
    }
}

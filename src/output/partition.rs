//! Columns that the folders of an output give its rows: `key=value`, as Hive and Spark write them.
//!
//! 1. [`folders`] takes names and values from the path of a file below the output's root. Both are percent-decoded, and
//!    `__HIVE_DEFAULT_PARTITION__` is null.
//! 2. [`Typing`] decides the type of each column: the signal's, else that of the other output's files, else that of the output's own
//!    files, else text.
//! 3. [`Output::partition`] gives every file the columns that it does not hold itself. A reader appends them to each batch, so that
//!    all checks see them as columns.
//!
//! A value that is not of its column's type stays text, and SCHEMA reports it: it is never null.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, StringArray, UInt32Array,
    new_null_array,
};
use arrow::compute::{CastOptions, cast, cast_with_options, take};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, TimeUnit};
use arrow::error::ArrowError;
use corpora::signal::{ColumnType, Signal};
use serde::Deserialize;

use super::{Output, OutputFile};
use crate::error::Result;

/// The value of a folder that stands for null.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Whether `key=value` folders of outputs are columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Partitions {
    /// They are.
    #[default]
    Auto,
    /// They are folders like others.
    Off,
}

impl Partitions {
    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::Off].into_iter().find(|it| it.to_string() == name)
    }
}

impl std::fmt::Display for Partitions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Off => "off",
        })
    }
}

/// A folder that names a column and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The column.
    pub name: String,
    /// The value; `None` for null.
    pub text: Option<String>,
    /// False where the value is no UTF-8 once it is decoded; it then stays as it is written.
    pub decoded: bool,
}

/// The folders of a path that name a column, outermost first. The last part of the path is the file.
#[must_use]
pub fn folders(path: &str) -> Vec<Folder> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let folder = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = decode(name).unwrap_or_else(|| name.to_owned());
        if name.is_empty() {
            return None;
        }
        if value == NULL {
            return Some(Folder { name, text: None, decoded: true });
        }
        let text = decode(value);
        Some(Folder { name, decoded: text.is_some(), text: text.or_else(|| Some(value.to_owned())) })
    };
    parts.into_iter().filter_map(folder).collect()
}

/// The text with `%` and two hexadecimal digits taken for a byte; `None` where that is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|it| char::from(*it).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (byte == b'%').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

/// A column that a file's folders give it.
#[derive(Debug, Clone)]
pub struct PartitionColumn {
    /// Its name.
    pub name: String,
    /// Its value as text; `None` for null.
    pub text: Option<String>,
    /// The type that the column should have, where the value is not of it (the column is text then).
    pub misfit: Option<DataType>,
    /// The value, once.
    value: ArrayRef,
}

/// How text is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Each value written out.
    Plain,
    /// As views.
    Views,
    /// As a dictionary of one value.
    Dictionary,
}

impl PartitionColumn {
    fn new(folder: Folder, wanted: &DataType) -> Self {
        let Folder { name, text, decoded } = folder;
        let Some(written) = text else {
            return Self { name, text: None, misfit: None, value: new_null_array(wanted, 1) };
        };
        let value = if decoded { parse(&written, wanted) } else { None };
        let misfit = value.is_none().then(|| wanted.clone());
        let value = value.unwrap_or_else(|| Arc::new(StringArray::from(vec![written.as_str()])));
        Self { name, text: Some(written), misfit, value }
    }

    /// Its type.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        self.value.data_type()
    }

    /// The column as a field of its file's schema.
    pub(super) fn field(&self) -> FieldRef {
        Arc::new(Field::new(&self.name, self.data_type().clone(), true))
    }

    /// The column of so many rows.
    pub(super) fn rows(&self, rows: usize, form: Form) -> std::result::Result<ArrayRef, ArrowError> {
        let viewed = match self.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            DataType::Binary => DataType::BinaryView,
            _ => return self.repeated(&self.value, rows),
        };
        match form {
            Form::Plain => self.repeated(&self.value, rows),
            Form::Dictionary if self.text.is_some() => {
                let keys = Int32Array::from(vec![0; rows]);
                Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.value))?))
            }
            Form::Dictionary | Form::Views => self.repeated(&cast(&self.value, &viewed)?, rows),
        }
    }

    fn repeated(&self, value: &ArrayRef, rows: usize) -> std::result::Result<ArrayRef, ArrowError> {
        if self.text.is_none() {
            return Ok(new_null_array(value.data_type(), rows));
        }
        take(value, &UInt32Array::from(vec![0; rows]), None)
    }
}

/// The value that a text stands for in a column of that type; `None` where it stands for none, or only for one that has lost
/// digits.
#[must_use]
pub fn parse(text: &str, wanted: &DataType) -> Option<ArrayRef> {
    let digits = text.rsplit_once('.').map_or(0, |(_, fraction)| {
        let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
        digits.trim_end_matches('0').len()
    });
    let most = match wanted {
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) => match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        },
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => usize::try_from(*scale).ok()?,
        DataType::FixedSizeBinary(16) => return uuid(text),
        _ => usize::MAX,
    };
    if !typed(wanted) || digits > most {
        return None;
    }
    let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    // Parquet's only zone is UTC, and a name of a zone is not read here.
    let value = match wanted {
        DataType::Timestamp(unit, Some(_)) => {
            let utc = DataType::Timestamp(*unit, Some("+00:00".into()));
            cast_with_options(&text, &utc, &options).and_then(|value| cast(&value, wanted))
        }
        _ => cast_with_options(&text, wanted, &options),
    };
    value.ok().filter(|value| value.is_valid(0))
}

/// The sixteen bytes of a UUID.
fn uuid(text: &str) -> Option<ArrayRef> {
    let digits: Vec<u32> =
        text.chars().filter(|it| *it != '-').map(|it| it.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Option<Vec<u8>> =
        digits.chunks(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == 16)?;
    Some(Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(bytes)).ok()?))
}

/// Types that a folder's value can have.
#[must_use]
pub fn typed(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8
                | DataType::Binary
                | DataType::FixedSizeBinary(16)
                | DataType::Date32
                | DataType::Timestamp(..)
                | DataType::Time32(_)
                | DataType::Time64(_)
        )
}

/// The types of an output's partition columns; text where it names none.
#[derive(Debug, Clone, Default)]
pub struct Typing(BTreeMap<String, DataType>);

impl Typing {
    /// For the files of `own`, beside those of `other`.
    ///
    /// # Errors
    /// Where a Parquet schema has no Arrow form.
    pub fn of(signal: Option<&Signal>, own: &Output, other: Option<&Output>) -> Result<Self> {
        let mut open: BTreeSet<String> =
            own.files.iter().flat_map(|file| folders(&file.info.path)).map(|folder| folder.name).collect();
        let mut types = BTreeMap::new();
        for (name, wanted) in signal.iter().flat_map(|signal| &signal.required) {
            if open.remove(name) {
                types.insert(name.clone(), of_signal(*wanted));
            }
        }
        for file in other.into_iter().chain([own]).flat_map(|output| &output.files) {
            if open.is_empty() {
                break;
            }
            if file.roots().any(|root| open.contains(root)) {
                for field in file.own_schema()?.fields() {
                    if typed(field.data_type()) && open.remove(field.name()) {
                        types.insert(field.name().clone(), field.data_type().clone());
                    }
                }
            }
        }
        Ok(Self(types))
    }
}

fn of_signal(wanted: ColumnType) -> DataType {
    match wanted {
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::String => DataType::Utf8,
        ColumnType::Binary => DataType::Binary,
    }
}

impl Output {
    /// Gives every file the columns that its folders name and that it does not hold itself; the innermost folder of a name
    /// counts. Files are put into order again where a sort key is such a column.
    ///
    /// # Errors
    /// Class `io` where a file does not come from the machine.
    pub fn partition(&mut self, typing: &Typing, sort_key: &[String]) -> Result<()> {
        let mut ordering = false;
        for file in &mut self.files {
            let mut columns: Vec<PartitionColumn> = Vec::new();
            for folder in folders(&file.info.path).into_iter().rev() {
                let known = columns.iter().any(|column| column.name == folder.name);
                if !known && file.roots().all(|root| root != folder.name) {
                    ordering |= sort_key.contains(&folder.name);
                    let wanted = typing.0.get(&folder.name).unwrap_or(&DataType::Utf8);
                    columns.push(PartitionColumn::new(folder, wanted));
                }
            }
            columns.reverse();
            file.partitions = columns.into();
        }
        if ordering { self.order_by_lowest_key(sort_key) } else { Ok(()) }
    }
}

impl OutputFile {
    /// The root columns that the file itself holds.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.metadata.file_metadata().schema_descr().root_schema().get_fields().iter().map(|it| it.name())
    }

    /// Equal for files whose folders give the same columns of the same values.
    #[must_use]
    pub fn partition_key(&self) -> String {
        let parts = self.partitions.iter();
        parts.map(|it| format!("{:?} {:?} {:?};", it.name, it.data_type(), it.text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::key::{KeyColumn, KeyRule, KeyValue};

    fn value(text: &str, wanted: &DataType) -> Option<KeyValue> {
        parse(text, wanted).map(|value| KeyColumn::of(&value, KeyRule::AsStored).value(0))
    }

    #[test]
    fn folders_are_decoded_and_the_file_and_what_names_no_column_is_none() {
        let found =
            folders("x/=1/_a%3Db=c%2Fd%25/dt=__HIVE_DEFAULT_PARTITION__/e=/p=%zz%4/q=r=s/f=1.parquet");
        let found: Vec<(&str, Option<&str>)> =
            found.iter().map(|it| (it.name.as_str(), it.text.as_deref())).collect();
        assert_eq!(
            found,
            [("_a=b", Some("c/d%")), ("dt", None), ("e", Some("")), ("p", Some("%zz%4")), ("q", Some("r=s"))]
        );
        let odd = &folders("k=%FF/a.parquet")[0];
        assert_eq!((odd.text.as_deref(), odd.decoded), (Some("%FF"), false));
        assert_eq!(folders("k=%C3%A4/a.parquet")[0].text.as_deref(), Some("\u{e4}"));
    }

    #[test]
    fn values_are_of_the_type_or_none_and_lose_no_digit() {
        let ms = DataType::Timestamp(TimeUnit::Millisecond, None);
        let decimal = DataType::Decimal128(10, 2);
        for (text, wanted, number) in [
            ("007", &DataType::Int64, 7),
            ("-3", &DataType::Int8, -3),
            ("2024-01-02", &DataType::Date32, 19_724),
            ("2024-01-01 00:00:00.5", &ms, 1_704_067_200_500),
            ("2024-01-01 00:00:00.500000", &ms, 1_704_067_200_500),
            ("1.5", &decimal, 150),
            ("true", &DataType::Boolean, 1),
        ] {
            assert_eq!(value(text, wanted), Some(KeyValue::Int(number)), "{text} as {wanted}");
        }
        for (text, wanted) in [
            ("300", &DataType::Int8),
            ("7.0", &DataType::Int64),
            ("", &DataType::Int64),
            ("2024-13-01", &DataType::Date32),
            ("2024-01-01 00:00:00.0005", &ms),
            ("1.234", &decimal),
            ("maybe", &DataType::Boolean),
            ("1", &DataType::List(Arc::new(Field::new("item", DataType::Int64, true)))),
            ("0011", &DataType::FixedSizeBinary(16)),
        ] {
            assert_eq!(value(text, wanted), None, "{text} as {wanted}");
        }
        let utc = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
        for text in ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "2024-01-01 01:00:00+01:00"] {
            assert_eq!(value(text, &utc), Some(KeyValue::Int(1_704_067_200)), "{text}");
        }
        let uuid = value("00112233-4455-6677-8899-aabbccddeeff", &DataType::FixedSizeBinary(16));
        assert!(matches!(uuid, Some(KeyValue::Bytes(bytes)) if bytes[15] == 0xff && bytes.len() == 16));
    }

    #[test]
    fn a_column_has_as_many_rows_as_asked_for_in_every_form() {
        for (text, wanted) in
            [(Some("a"), DataType::Utf8), (Some("7"), DataType::Int64), (None, DataType::Utf8)]
        {
            let folder = Folder { name: "k".to_owned(), text: text.map(str::to_owned), decoded: true };
            let column = PartitionColumn::new(folder, &wanted);
            for form in [Form::Plain, Form::Views, Form::Dictionary] {
                let array = column.rows(3, form).unwrap();
                let nulls = if text.is_none() { 3 } else { 0 };
                assert_eq!((array.len(), array.logical_null_count()), (3, nulls), "{form:?}");
            }
        }
    }

    #[test]
    fn a_value_that_is_not_of_the_type_stays_text_and_says_so() {
        let folder = Folder { name: "k".to_owned(), text: Some("x".to_owned()), decoded: true };
        let column = PartitionColumn::new(folder, &DataType::Int64);
        assert_eq!((column.data_type(), column.misfit.as_ref()), (&DataType::Utf8, Some(&DataType::Int64)));
    }
}

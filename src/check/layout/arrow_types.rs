//! The types that a footer's `ARROW:schema` states and Parquet alone does not: durations, zones of times, extension types.
//!
//! Arrow readers take them from there. A column's type counts where its class differs from that of the Parquet type, and an extension
//! type unless an annotation of the column says the same. Large, view and dictionary forms are the same type.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field, Fields, Schema};
use corpora::stated::Stated;
use reports::manifest::ErrorClass;

use super::side::Ignored;
use crate::check::schema::elements::{self, Nodes};
use crate::digest::TypeClass;
use crate::error::Result;
use crate::output::OutputFile;

/// Field metadata with the name of an extension type.
const EXTENSION: &str = "ARROW:extension:name";
/// Names of UTC.
const UTC: [&str; 6] = ["UTC", "+00:00", "Etc/UTC", "Z", "GMT", "+00"];

/// What Arrow readers see of a side's columns beyond Parquet.
#[derive(Debug, Default)]
pub(super) struct Types {
    /// Types that only Arrow states, over the files, by column; none for a file that states none.
    columns: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The first file whose schema cannot be read, and why.
    pub(super) broken: Option<(String, String)>,
}

/// A column that Arrow readers see otherwise.
pub(super) struct Lost {
    pub(super) column: String,
    pub(super) ours: String,
    pub(super) theirs: String,
}

impl Types {
    /// Of the columns of one file that are not ignored; `hinted` where it has an Arrow schema.
    ///
    /// # Errors
    /// Where the Parquet schema has no Arrow form.
    pub(super) fn of(file: &OutputFile, stated: &Stated, hinted: bool, ignored: &Ignored) -> Result<Self> {
        let plain = file.arrow_schema()?;
        let mut types = Self::default();
        let read: std::result::Result<Schema, String> = if hinted {
            match file.hinted_schema() {
                Ok(schema) => Ok(schema),
                Err(error) if error.class == ErrorClass::Input => Err(error.message),
                Err(error) => return Err(error),
            }
        } else {
            Ok(Schema::clone(&plain))
        };
        match read {
            Ok(schema) => {
                let nodes = elements::nodes(stated, file.info.created_by.as_deref());
                let mut walk = Walk { nodes: &nodes, types: &mut types };
                for (plain, hinted) in plain.fields().iter().zip(schema.fields()) {
                    if !ignored.contains_key(plain.name()) {
                        walk.field(plain, hinted, &[], plain.name().clone());
                    }
                }
            }
            Err(said) => types.broken = Some((file.info.path.clone(), said)),
        }
        Ok(types)
    }

    /// With those of another file.
    pub(super) fn join(&mut self, other: Self) {
        for (column, types) in other.columns {
            self.columns.entry(column).or_default().extend(types);
        }
        self.broken = self.broken.take().or(other.broken);
    }

    /// Columns of both whose types here are not those there.
    pub(super) fn lost_to(&self, other: &Self) -> Vec<Lost> {
        let words = |types: &BTreeSet<Option<String>>| {
            let each = types.iter().map(|it| it.as_deref().unwrap_or("what Parquet states").to_owned());
            each.collect::<Vec<_>>().join(" or ")
        };
        let columns = self.columns.iter().filter_map(|(column, ours)| {
            let theirs = other.columns.get(column)?;
            let lost = ours.iter().any(Option::is_some) && !theirs.is_subset(ours);
            lost.then(|| Lost { column: column.clone(), ours: words(ours), theirs: words(theirs) })
        });
        columns.collect()
    }
}

struct Walk<'a> {
    nodes: &'a Nodes,
    types: &'a mut Types,
}

impl Walk<'_> {
    fn fields(&mut self, plain: &Fields, hinted: &Fields, group: &[String]) {
        for (plain, hinted) in plain.iter().zip(hinted) {
            self.field(plain, hinted, group, format!("/{}", plain.name()));
        }
    }

    fn field(&mut self, plain: &Field, hinted: &Field, group: &[String], part: String) {
        let mut path = group.to_vec();
        path.push(part);
        let extension = hinted.metadata().get(EXTENSION).filter(|name| !self.annotated(&path, name));
        let stated = match extension {
            Some(name) => Some(format!("the extension type {name}")),
            None if same(plain.data_type(), hinted.data_type()) => None,
            None => Some(hinted.data_type().to_string()),
        };
        self.types.columns.entry(path.concat()).or_default().insert(stated);
        match (plain.data_type(), hinted.data_type()) {
            (DataType::Struct(plain), DataType::Struct(hinted)) => self.fields(plain, hinted, &path),
            (
                DataType::List(plain),
                DataType::List(hinted)
                | DataType::LargeList(hinted)
                | DataType::FixedSizeList(hinted, _)
                | DataType::ListView(hinted)
                | DataType::LargeListView(hinted),
            ) => self.field(plain, hinted, &path, "[]".to_owned()),
            (DataType::Map(plain, _), DataType::Map(hinted, _)) => {
                let entries = (plain.data_type(), hinted.data_type());
                if let (DataType::Struct(plain), DataType::Struct(hinted)) = entries {
                    for ((plain, hinted), part) in plain.iter().zip(hinted).zip(["{key}", "{value}"]) {
                        self.field(plain, hinted, &path, part.to_owned());
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether an annotation of the column says what the extension type says.
    fn annotated(&self, path: &[String], extension: &str) -> bool {
        let annotation = self.nodes.get(path).map(|node| node.annotation.as_str()).unwrap_or_default();
        match extension {
            "arrow.uuid" => annotation == "UUID",
            "arrow.json" => annotation == "JSON",
            "arrow.parquet.variant" | "parquet.variant" => annotation.starts_with("VARIANT"),
            "geoarrow.wkb" | "ogc.wkb" => annotation.starts_with("GEO"),
            _ => false,
        }
    }
}

/// Whether both types are one class, with any name of UTC for UTC.
fn same(plain: &DataType, hinted: &DataType) -> bool {
    fn values(data_type: &DataType) -> &DataType {
        match data_type {
            DataType::Dictionary(_, values) => values,
            other => other,
        }
    }
    let class = |data_type: &DataType| match values(data_type) {
        // Bytes in a schema; text that is not UTF-8 in a batch.
        DataType::LargeBinary => TypeClass::of(&DataType::Binary),
        DataType::Timestamp(unit, Some(zone)) if UTC.contains(&&**zone) => {
            TypeClass::of(&DataType::Timestamp(*unit, Some("UTC".into())))
        }
        DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => TypeClass::List,
        other => TypeClass::of(other),
    };
    class(plain) == class(hinted)
}

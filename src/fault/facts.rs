//! Facts that readers act on and files no longer state: annotations, field ids, key-value metadata, statistics, a declared order. They
//! are taken out of the Thrift of every footer; pages and values stay as they are.

use super::Fault;
use super::extras::{DOCUMENT, KEY, MOMENT, SHAPE, TIME, UUID};
use super::footer::restate_raw;
use super::site::Site;
use super::thrift::Value;
use crate::error::{Error, Result};

/// Fields of the footer, of a schema element, of a row group, of a column chunk, of its statistics, and of a key with its value.
const SCHEMA: i64 = 2;
const ROW_GROUPS: i64 = 4;
const KEY_VALUES: i64 = 5;
const COLUMN_ORDERS: i64 = 7;
const NAME: i64 = 4;
const CONVERTED: i64 = 6;
const FIELD_ID: i64 = 9;
const LOGICAL: i64 = 10;
const COLUMNS: i64 = 1;
const SORTING: i64 = 4;
const META_DATA: i64 = 3;
const PATH: i64 = 3;
const STATISTICS: i64 = 12;
const NULL_COUNT: i64 = 3;
const PAIR_KEY: i64 = 1;
const PAIR_VALUE: i64 = 2;
/// Highest and lowest value, old and new, and whether they are exact.
const BOUNDS: [i64; 6] = [1, 2, 5, 6, 7, 8];
/// Logical types by their numbers, and the parameter of a time that says UTC.
const STRING: i64 = 1;
const TIME_OF_DAY: i64 = 7;
const GEOMETRY: i64 = 17;
const IS_UTC: i64 = 1;
/// The converted type of text.
const UTF8: i64 = 0;

/// Takes the fact out of every file that states it.
pub(super) fn lost(fault: Fault, site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        if site.manifest.files[index].record_count.unwrap_or(0) == 0 {
            continue;
        }
        let path = site.path(index);
        let changed = restate_raw(&path, |footer| change(fault, footer))
            .map_err(|error| Error::internal(format!("cannot restate {}: {error}", path.display())))?;
        if changed {
            let metadata =
                std::fs::metadata(&path).map_err(|source| Error::io("cannot read", &path, source))?;
            site.manifest.files[index].file_size = Some(metadata.len());
        }
    }
    Ok(())
}

/// Changes one footer; false where it does not state the fact.
fn change(fault: Fault, footer: &mut Value) -> bool {
    match fault {
        Fault::FieldIdsLost => {
            footer.list(SCHEMA).iter_mut().map(|element| element.remove(FIELD_ID)).fold(false, |a, b| a | b)
        }
        Fault::FieldIdsSwapped => swap_ids(footer),
        Fault::UuidLost => element(footer, UUID).is_some_and(|it| it.remove(LOGICAL)),
        Fault::GeometryLost => element(footer, SHAPE).is_some_and(|it| it.remove(LOGICAL)),
        Fault::JsonLost => annotate(footer, DOCUMENT, STRING, Value::Struct(Vec::new())),
        Fault::CrsLost => annotate(footer, SHAPE, GEOMETRY, Value::Struct(Vec::new())),
        Fault::UtcLost => local_time(footer),
        Fault::KeyLost => footer.retain(KEY_VALUES, |pair| !pair.says(PAIR_KEY, KEY)),
        Fault::KeyChanged => {
            let pair = footer.list(KEY_VALUES).iter_mut().find(|pair| pair.says(PAIR_KEY, KEY));
            pair.is_some_and(|pair| {
                pair.set(PAIR_VALUE, Value::Binary(b"as no other program states it".to_vec()));
                true
            })
        }
        Fault::ArrowSchemaLost => {
            // Only where it is the extra one: without it no column is lost to Arrow readers.
            let extra = footer.list(KEY_VALUES).iter_mut().any(|pair| pair.says(PAIR_KEY, KEY));
            extra && footer.retain(KEY_VALUES, |pair| !pair.says(PAIR_KEY, "ARROW:schema"))
        }
        Fault::BoundsLost => chunks(footer, |chunk| {
            let stated = statistics(chunk, MOMENT);
            stated.is_some_and(|stated| BOUNDS.map(|bound| stated.remove(bound)).contains(&true))
        }),
        Fault::NullCountLost => {
            chunks(footer, |chunk| statistics(chunk, MOMENT).is_some_and(|stated| stated.remove(NULL_COUNT)))
        }
        Fault::StatisticsLost => chunks(footer, |chunk| chunk.remove(STATISTICS)),
        Fault::ColumnOrdersLost => footer.remove(COLUMN_ORDERS),
        Fault::SortingLost => {
            let groups = footer.list(ROW_GROUPS).iter_mut();
            groups.map(|group| several(group) && group.remove(SORTING)).fold(false, |a, b| a | b)
        }
        _ => false,
    }
}

/// Whether a row group has rows that can be out of order.
fn several(group: &mut Value) -> bool {
    group.field(3).and_then(|rows| rows.number()).is_some_and(|rows| rows > 1)
}

/// The schema element of that name.
fn element<'a>(footer: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    footer.list(SCHEMA).iter_mut().find(|element| element.says(NAME, name))
}

/// Gives a column another annotation.
fn annotate(footer: &mut Value, column: &str, number: i64, parameters: Value) -> bool {
    let Some(element) = element(footer, column) else { return false };
    element.set(LOGICAL, Value::Struct(vec![(number, parameters)]));
    element.remove(CONVERTED);
    if number == STRING {
        element.set(CONVERTED, Value::i32(UTF8));
    }
    true
}

fn local_time(footer: &mut Value) -> bool {
    let Some(element) = element(footer, TIME) else { return false };
    let time = element.field(LOGICAL).and_then(|logical| logical.field(TIME_OF_DAY));
    let Some(time) = time else { return false };
    time.set(IS_UTC, Value::Flag(false));
    // The converted type says UTC.
    element.remove(CONVERTED);
    true
}

fn swap_ids(footer: &mut Value) -> bool {
    let mut id = |name: &str| element(footer, name)?.field(FIELD_ID)?.number();
    let (Some(one), Some(other)) = (id(TIME), id(MOMENT)) else { return false };
    for (name, id) in [(TIME, other), (MOMENT, one)] {
        if let Some(element) = element(footer, name) {
            element.set(FIELD_ID, Value::i32(id));
        }
    }
    true
}

/// Changes the metadata of every column chunk; true where one was changed.
fn chunks(footer: &mut Value, change: impl Fn(&mut Value) -> bool) -> bool {
    let mut changed = false;
    for group in footer.list(ROW_GROUPS) {
        for chunk in group.list(COLUMNS) {
            changed |= chunk.field(META_DATA).is_some_and(&change);
        }
    }
    changed
}

/// The statistics of a chunk, where it is one of that column.
fn statistics<'a>(chunk: &'a mut Value, column: &str) -> Option<&'a mut Value> {
    let parts = chunk.list(PATH);
    if !matches!(parts, [part] if part.text() == Some(column)) {
        return None;
    }
    chunk.field(STATISTICS)
}

#[cfg(test)]
mod tests {
    use super::super::{Family, extras};
    use super::*;

    fn footer() -> Value {
        let text = |text: &str| Value::Binary(text.as_bytes().to_vec());
        let column = |name: &str, id: i64, logical: i64| {
            let parameters = Value::Struct(vec![(IS_UTC, Value::Flag(true))]);
            vec![
                (NAME, text(name)),
                (CONVERTED, Value::i32(8)),
                (FIELD_ID, Value::i32(id)),
                (LOGICAL, Value::Struct(vec![(logical, parameters)])),
            ]
        };
        let root = vec![(NAME, text("root"))];
        let elements = vec![root, column(TIME, 5, TIME_OF_DAY), column(MOMENT, 4, 8)];
        let pairs = [KEY, "ARROW:schema"].map(|key| vec![(1, text(key)), (2, text(extras::KEY_VALUE))]);
        let stated = [BOUNDS.as_slice(), &[NULL_COUNT]].concat();
        let mut stated: Vec<(i64, Value)> = stated.into_iter().map(|it| (it, Value::i64(0))).collect();
        stated.sort_by_key(|it| it.0);
        let chunk = vec![(PATH, Value::List(8, vec![text(MOMENT)])), (STATISTICS, Value::Struct(stated))];
        let group = vec![
            (COLUMNS, Value::structures(vec![vec![(META_DATA, Value::Struct(chunk))]])),
            (3, Value::i64(2)),
            (SORTING, Value::structures(vec![Vec::new()])),
        ];
        Value::Struct(vec![
            (SCHEMA, Value::structures(elements)),
            (ROW_GROUPS, Value::structures(vec![group])),
            (KEY_VALUES, Value::structures(pairs.to_vec())),
            (COLUMN_ORDERS, Value::structures(vec![Vec::new()])),
        ])
    }

    #[test]
    fn each_fact_is_taken_out_once_and_nothing_else() {
        for fault in [
            Fault::FieldIdsLost,
            Fault::KeyLost,
            Fault::BoundsLost,
            Fault::NullCountLost,
            Fault::StatisticsLost,
            Fault::ColumnOrdersLost,
            Fault::SortingLost,
        ] {
            let mut changed = footer();
            assert!(change(fault, &mut changed), "{fault:?}");
            assert_ne!(changed, footer(), "{fault:?}");
            assert!(!change(fault, &mut changed), "{fault:?} is there once");
            assert!(change(Fault::UtcLost, &mut changed), "{fault:?} leaves the rest");
        }
        let mut one_row = footer();
        one_row.list(ROW_GROUPS)[0].set(3, Value::i64(1));
        assert!(!change(Fault::SortingLost, &mut one_row), "one row is in any order");
    }

    #[test]
    fn what_is_swapped_twice_is_as_it_was() {
        let mut swapped = footer();
        assert!(change(Fault::FieldIdsSwapped, &mut swapped));
        assert_ne!(swapped, footer());
        assert!(change(Fault::FieldIdsSwapped, &mut swapped));
        assert_eq!(swapped, footer());
    }

    #[test]
    fn a_footer_without_the_fact_stays_as_it_is() {
        let mut bare = Value::Struct(vec![(SCHEMA, Value::structures(vec![Vec::new()]))]);
        for fault in Fault::ALL.iter().filter(|fault| fault.family() == Family::Facts) {
            assert!(!change(*fault, &mut bare), "{fault:?}");
        }
    }
}

//! Under a small memory limit the same is found, and no more is held.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use reports::document::Role;
use reports::evidence::RowsEvidence;

use super::tests::evidence_of;
use super::{Outcome, Rows};
use crate::check::Tolerance;
use crate::check::fixture::{Fixture, blockers, floats, ints, texts};
use crate::output::testing::{Columns, write, write_with};
use crate::spill::Memory;

#[test]
fn rows_that_spill_are_told_as_those_that_fit() {
    // Duplicates of keys, keyless rows, one giant group, equal rows more often on one side, near and far values.
    let count = 12_000_i64;
    let side = |shift: i64, rows: std::ops::Range<i64>| -> Columns {
        let key = |it: i64| match it % 8 {
            0 => None,
            1 => Some("all alike".to_owned()),
            _ => Some((it / 3 * 7_919 % count).to_string()),
        };
        let ids: arrow::array::StringArray = rows.clone().map(key).collect();
        let numbers: Vec<i64> =
            rows.clone().map(|it| it % 11 + if it % 5 == 0 { shift } else { 0 }).collect();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let ratios: Vec<f64> = rows.map(|it| (it % 97) as f64 + shift as f64 * 1e-4).collect();
        vec![("_cardinalhq.id", Arc::new(ids)), ("n", ints(&numbers)), ("ratio", floats(&ratios))]
    };
    for tolerance in [None, Some(0.01)] {
        let mut fixture = Fixture::pair(&side(0, 0..count), &side(1, 40..count + 90));
        if let Some(absolute) = tolerance {
            fixture.comparison.tolerances.insert("ratio".to_owned(), Tolerance { absolute, relative: 0.0 });
        }
        let held = fixture.examine(&Rows);
        fixture.memory = Arc::new(Memory::new(0));
        let spilled = fixture.examine(&Rows);
        // Each comparison draws a key of its own, and nothing else may differ.
        let told = |outcome: &Outcome| RowsEvidence { hash_key: None, ..evidence_of(outcome).clone() };
        assert!(told(&held) == told(&spilled));
        assert_ne!(evidence_of(&held).hash_key, evidence_of(&spilled).hash_key);
        assert_eq!(format!("{:?}", held.findings), format!("{:?}", spilled.findings));
        assert!(evidence_of(&held).changed > 2_000 && evidence_of(&held).pairing.contains("greedily"));
    }
}

/// Five columns of 2,000 rows; in the last one every hundredth value is `more` higher.
fn wide(more: i64) -> Columns {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    let value = |column: i64, row: i64| (column * 7_919 + row * 104_729) % 1_000_003;
    let mut columns: Columns = vec![("id", ints(&(0..2_000).collect::<Vec<_>>()))];
    for (name, column) in NAMES.iter().zip(0_i64..) {
        let changed = |row: i64| more * i64::from(column == 3 && row % 100 == 0);
        columns
            .push((name, ints(&(0..2_000).map(|row| value(column, row) + changed(row)).collect::<Vec<_>>())));
    }
    columns
}

#[test]
fn columns_that_are_hashed_a_few_at_a_time_give_the_same_verdict() {
    for (more, rows) in [(0, 0), (1, 20)] {
        let mut outcomes = Vec::new();
        for limit in [64 << 10, 512 << 20] {
            let mut fixture = Fixture::empty();
            write(&fixture.path(Role::Baseline, "one.parquet"), &wide(0));
            let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
            write_with(&fixture.path(Role::Candidate, "one.parquet"), &wide(more), properties);
            fixture.memory = Arc::new(Memory::new(limit));
            let sliced = fixture.with_subject(|subject| {
                let file = &subject.candidate.output.files[0];
                file.slices(0, None, None).unwrap().len()
            });
            assert_eq!(sliced > 1, limit < 1 << 20, "{sliced} slices");
            let mut outcome = fixture.examine(&Rows);
            let evidence = outcome.evidence.rows.as_mut().unwrap();
            assert_eq!((evidence.equal, evidence.changed), (2_000 - rows, rows));
            evidence.hash_key = None;
            outcomes.push(format!("{outcome:?}"));
        }
        assert_eq!(outcomes[0], outcomes[1]);
    }
}

#[test]
fn long_values_are_compared_whole_and_cut_where_they_are_shown() {
    let long = |end: &str| format!("{}{end}", "x".repeat(3_000_000));
    let (a, b) = (long("a"), long("A"));
    let side = |value: &str| vec![("id", ints(&[1, 2])), ("text", texts(&[value, &long("same")]))];
    let mut fixture = Fixture::pair(&side(&a), &side(&b));
    // Less than the values take: their hashes are kept, and the pair is read again by itself.
    fixture.memory = Arc::new(Memory::new(40 << 20));
    let outcome = fixture.examine(&Rows);
    let evidence = evidence_of(&outcome);
    assert_eq!((evidence.equal, evidence.changed), (1, 1));
    assert_eq!(evidence.columns[0].kinds.keys().collect::<Vec<_>>(), ["case"]);
    let cell = &evidence.samples[0].cells[0].baseline;
    assert_eq!((cell.text.as_ref().unwrap().len(), cell.cut_from), (2_048, Some(3_000_001)));
}

/// So many rows of 300 columns; every value differs where `more` differs.
fn very_wide(rows: i64, more: i64) -> Columns {
    let value = |column: i64, row: i64| (column * 7_919 + row * 104_729) % 1_000_003 + more;
    let column = |(column, name): (i64, &'static str)| {
        (name, ints(&(0..rows).map(|row| value(column, row)).collect::<Vec<_>>()))
    };
    let names: Vec<&'static str> =
        (0..300).map(|column| &*Box::leak(format!("column_{column}").into_boxed_str())).collect();
    (0_i64..).zip(names).map(column).collect()
}

#[test]
fn rows_of_many_columns_are_paired_fewer_at_a_time() {
    let rows = 700;
    let mut fixture = Fixture::pair(&very_wide(rows, 0), &very_wide(rows, 1_000_003));
    fixture.signal(|signal| (signal.row_keys, signal.sort_key) = (Vec::new(), Vec::new()));
    let limit = 64 << 20;
    fixture.memory = Arc::new(Memory::new(limit));
    let outcome = fixture.examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.missing", "rows.extra"]);
    let evidence = evidence_of(&outcome);
    assert_eq!((evidence.equal, evidence.missing, evidence.extra), (0, 700, 700));
    assert!(evidence.pairing.contains("in blocks of 436 rows"), "{}", evidence.pairing);
    let most = fixture.memory.most_fetched();
    assert!(most > 1 << 20 && most <= limit / 4, "{most} bytes");
    // The samples together, although there are a hundred of each kind.
    let cells: usize = evidence.samples.iter().map(|sample| sample.cells.len()).sum();
    assert!(cells > 300 && cells * 200 < 4 << 20, "{cells} cells");
}

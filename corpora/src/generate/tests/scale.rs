//! The corpora as a set: names, sizes, parameters, and that they fit the signal they name.

use super::*;
use crate::parameters::Parameters;
use crate::segment::{check_signal, inspect_all};
use crate::signals::Signals;
use crate::spec::JobKind;

#[test]
fn names_are_unique_say_kind_or_signal_and_are_found() {
    let catalog = Catalog::builtin().unwrap();
    let names: std::collections::BTreeSet<_> = catalog.names().into_iter().collect();
    assert_eq!(names.len(), catalog.iter().count());
    for spec in catalog.iter() {
        // Logs have two kinds of job; the other signals have one, and their names begin with the signal.
        let first = if spec.signal == "logs" { spec.kind.to_string() } else { spec.signal.clone() };
        assert!(spec.name.starts_with(&format!("{first}-")), "{}", spec.name);
        assert!(!spec.provokes.is_empty() && spec.segments.is_empty(), "{}", spec.name);
        assert_eq!(catalog.get(&spec.name).unwrap().source_text(), spec.source_text());
    }
    let error = catalog.get("compact-tie").unwrap_err().to_string();
    assert!(
        error.contains("compact-late-early-timestamps") && error.contains("parallax corpus list"),
        "{error}"
    );
}

#[test]
fn every_specification_on_disk_is_listed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let names = Catalog::builtin().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let listed = names.get(&name).unwrap();
        assert_eq!(&CorpusSpec::from_file(&path).unwrap().name, &listed.name);
    }
}

#[test]
fn the_whole_set_stays_small_enough_for_a_run_of_a_minute() {
    let catalog = Catalog::builtin().unwrap();
    for (signal, least, most, large) in
        [("logs", 100_000, 250_000, 5), ("metrics", 50_000, 120_000, 1), ("traces", 30_000, 80_000, 1)]
    {
        let specs: Vec<_> = catalog.iter().filter(|spec| spec.signal == signal).collect();
        let rows: u64 = specs.iter().map(|spec| spec.rows).sum();
        assert!((least..=most).contains(&rows), "{signal}: {rows}");
        assert!(specs.iter().filter(|spec| spec.rows >= 20_000).count() <= large, "{signal}");
    }
}

#[test]
fn parameters_leave_no_contradiction_between_rows_and_bytes() {
    for spec in Catalog::builtin().unwrap().iter() {
        let parameters = &spec.parameters;
        let by_rows = parameters.rows_per_file.is_some_and(|rows| rows > 0);
        assert!(!(by_rows && parameters.target_size.is_some()), "{}", spec.name);
        // Hours, not bytes, make the files of an ingest job.
        assert!(spec.kind == JobKind::Compact || parameters.target_size.is_none(), "{}", spec.name);
        let none_counts = ["timestamp", "out-of-range"].iter().any(|why| spec.name.contains(why));
        assert!(!spec.expect.no_rows || spec.rows == 0 || none_counts, "{}", spec.name);
    }
}

#[test]
fn jobs_of_metrics_and_traces_have_the_parameters_that_they_need() {
    for spec in Catalog::builtin().unwrap().iter() {
        let Parameters { interval, start, end, slot, slots, dateint, organization, .. } =
            spec.parameters.clone();
        if spec.signal == "metrics" {
            let range = end.unwrap() - start.unwrap();
            let divides = range > 0 && range % interval.unwrap() == 0;
            assert_eq!(divides, spec.expect.candidate.as_deref() != Some("config"), "{}", spec.name);
        }
        if spec.signal == "traces" {
            assert!((0..slots.unwrap()).contains(&slot.unwrap()), "{}", spec.name);
            assert!(dateint.is_some() && organization.is_some(), "{}", spec.name);
        }
    }
}

#[test]
fn segments_fit_their_signal_but_for_those_without_a_usable_key_column() {
    let signals = Signals::builtin().unwrap();
    for spec in Catalog::builtin().unwrap().iter() {
        let dir = tempfile::tempdir().unwrap();
        let rows = Some(spec.rows.min(200));
        let generated = spec.generate(dir.path(), Generate { rows, seed: None }).unwrap();
        let segments = inspect_all(&generated.inputs).unwrap();
        let fits = check_signal(&segments, &signals.get(&spec.signal).unwrap(), &signals);
        let unfit = ["no-timestamp-column", "text-timestamps", "no-tid-column", "no-start-column"];
        let meant = unfit.iter().any(|why| spec.name.contains(why));
        assert_eq!(fits.is_err(), meant, "{}: {fits:?}", spec.name);
    }
}

#[test]
fn columns_are_flat_optional_sorted_and_of_types_that_a_legacy_original_holds() {
    for spec in Catalog::builtin().unwrap().iter() {
        let dir = tempfile::tempdir().unwrap();
        let rows = Some(spec.rows.min(100));
        for path in spec.generate(dir.path(), Generate { rows, seed: None }).unwrap().inputs {
            let file = std::fs::File::open(&path).unwrap();
            let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
            let names: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
            assert!(
                names.is_sorted() && schema.fields().iter().all(|field| field.is_nullable()),
                "{names:?}"
            );
            // Reading panics on any other type.
            read(&path);
        }
    }
}

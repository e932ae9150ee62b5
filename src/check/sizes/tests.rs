use arrow::array::ArrayRef;
use reports::document::{ParameterInfo, Role, Severity};
use reports::manifest::{Manifest, ManifestFile, SplitKey};

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, ints, rows, shipped, take, texts};
use crate::output::testing::{Columns, write, write_with};

/// Rows that take about 800 bytes each, whatever the codec.
fn heavy(from: u64, count: u64) -> Columns {
    let noise = |row: u64| -> String {
        let bytes = blake3::Hasher::new().update(&row.to_le_bytes()).finalize_xof();
        let mut reader = bytes;
        let mut buffer = [0_u8; 400];
        reader.fill(&mut buffer);
        buffer.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let values: Vec<String> = (from..from + count).map(noise).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let times: Vec<i64> = (0..count).map(|row| i64::try_from(from + row).unwrap()).collect();
    vec![("_cardinalhq.timestamp", ints(&times)), ("noise", texts(&values))]
}

fn plain(path: &std::path::Path, columns: &Columns) {
    let properties = parquet::file::properties::WriterProperties::builder().set_dictionary_enabled(false);
    write_with(path, columns, properties);
}

#[test]
fn equal_sizes_are_silent_and_the_small_sample_is_said() {
    let outcome = Fixture::pair(&rows(), &rows()).examine(&Sizes);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    let sizes = outcome.evidence.sizes.unwrap();
    assert!(sizes.small_sample && sizes.kolmogorov_smirnov.is_none());
    assert_eq!(sizes.candidate.unwrap().quantiles.len(), 5);
}

#[test]
fn many_tiny_files_against_a_known_target_fail() {
    let mut fixture = Fixture::empty();
    plain(&fixture.path(Role::Baseline, "all.parquet"), &heavy(0, 400));
    for file in 0..10 {
        plain(&fixture.path(Role::Candidate, &format!("{file}.parquet")), &heavy(file * 40, 40));
    }
    fixture.job.parameters.target_size = Some(200_000);
    let outcome = fixture.examine(&Sizes);
    assert_eq!(blockers(&outcome), ["sizes.tiny_files"]);
    // The default of a parameter that rows per file override says nothing of a target.
    fixture.job.parameters.rows_per_file = Some(40);
    let origin =
        ParameterInfo { key: "target_size".into(), value: "200000".into(), origin: "default".into() };
    fixture.job.parameter_origins = vec![origin];
    let outcome = fixture.examine(&Sizes);
    assert_eq!((blockers(&outcome).len(), outcome.evidence.sizes.as_ref().unwrap().target), (0, None));
    assert_eq!(codes(&outcome, Severity::Warning), ["sizes.count_changed"]);
}

#[test]
fn a_file_an_hour_is_needed_where_the_result_is_split_by_hour() {
    let mut fixture = Fixture::empty();
    plain(&fixture.path(Role::Baseline, "all.parquet"), &heavy(0, 10));
    let mut files = Vec::new();
    for hour in 0..6 {
        let path = format!("{hour}.parquet");
        plain(&fixture.path(Role::Candidate, &path), &heavy(0, 2));
        let split_key = Some(SplitKey { dateint: 19_700_101, hour, ingest_dateint: 1, file_index: 0 });
        files.push(ManifestFile { path, split_key, ..ManifestFile::default() });
    }
    fixture.job.parameters.target_size = Some(1_100_000);
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.tiny_files"]);
    fixture.manifests[1] = Some(Manifest { files, ..Manifest::default() });
    assert_eq!(blockers(&fixture.examine(&Sizes)), Vec::<&str>::new());
}

#[test]
fn one_file_for_all_is_too_large_and_one_group_may_be() {
    let grouped = |groups: ArrayRef| -> Columns {
        let mut columns = heavy(0, 100);
        columns.push(("group", groups));
        columns
    };
    let several: Vec<i64> = (0..100).map(|row| row / 10).collect();
    let mut fixture = Fixture::empty();
    plain(&fixture.path(Role::Baseline, "all.parquet"), &grouped(ints(&several)));
    plain(&fixture.path(Role::Candidate, "all.parquet"), &grouped(ints(&several)));
    fixture.job.parameters.target_size = Some(30_000);
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.too_large"]);
    fixture.signal(|signal| signal.group_key = Some("group".to_owned()));
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.too_large"]);
    plain(&fixture.path(Role::Candidate, "all.parquet"), &grouped(ints(&[7; 100])));
    let outcome = fixture.examine(&Sizes);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, vec!["sizes.too_large"]));
    assert!(outcome.findings[0].message.contains("all.parquet"));
}

#[test]
fn one_row_may_be_larger_than_the_target_and_two_may_not() {
    let text = "long ".repeat(10_000);
    let large = |rows: &[u64]| take(&vec![("text", texts(&[&text, &text]))], rows);
    let mut fixture = Fixture::empty();
    plain(&fixture.path(Role::Baseline, "a.parquet"), &large(&[0, 1]));
    plain(&fixture.path(Role::Candidate, "a.parquet"), &large(&[0]));
    plain(&fixture.path(Role::Candidate, "b.parquet"), &large(&[1]));
    fixture.job.parameters.target_size = Some(10_000);
    let outcome = fixture.examine(&Sizes);
    let whole = |it: &&Finding| it.message.ends_with("because one row must stay whole");
    assert_eq!((blockers(&outcome).len(), outcome.findings.iter().filter(whole).count()), (0, 2));
    plain(&fixture.path(Role::Candidate, "a.parquet"), &large(&[0, 1]));
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.too_large"]);
}

#[test]
fn an_explosion_of_files_without_a_target_fails() {
    let fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "all.parquet"), &rows());
    for file in 0..19 {
        write(&fixture.path(Role::Candidate, &format!("{file}.parquet")), &take(&rows(), &[0]));
    }
    assert_eq!(blockers(&fixture.examine(&Sizes)), Vec::<&str>::new());
    write(&fixture.path(Role::Candidate, "19.parquet"), &take(&rows(), &[0]));
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.exploded"]);
}

#[test]
fn growth_warns_then_fails_from_a_mebibyte_on() {
    let against = |rows: u64| {
        let fixture = Fixture::empty();
        plain(&fixture.path(Role::Baseline, "a.parquet"), &heavy(0, 1_500));
        plain(&fixture.path(Role::Candidate, "a.parquet"), &heavy(0, rows));
        fixture.examine(&Sizes)
    };
    assert!(against(1_600).findings.is_empty());
    assert_eq!(codes(&against(1_800), Severity::Warning), ["sizes.total_grew"]);
    assert_eq!(blockers(&against(2_400)), ["sizes.total_grew"]);
}

#[test]
fn ten_files_a_side_are_compared_as_distributions() {
    let fixture = Fixture::empty();
    for file in 0..10 {
        let name = format!("{file}.parquet");
        plain(&fixture.path(Role::Baseline, &name), &heavy(0, 1 + file));
        plain(&fixture.path(Role::Candidate, &name), &heavy(0, 1 + file));
    }
    let sizes = fixture.examine(&Sizes).evidence.sizes.unwrap();
    assert_eq!(
        (sizes.kolmogorov_smirnov, sizes.wasserstein, sizes.small_sample),
        (Some(0.0), Some(0.0), false)
    );
}

/// Rows of about 800 bytes each, with the group that each is of.
fn of_groups(groups: &[i64]) -> Columns {
    let mut columns = heavy(0, groups.len() as u64);
    columns.push(("_cardinalhq.tid", ints(groups)));
    columns
}

#[test]
fn a_new_file_at_every_group_change_fails_with_and_without_a_target() {
    let mut fixture = Fixture::of(shipped("metrics"));
    let tids: Vec<i64> = (0..300).flat_map(|tid| [tid, tid]).collect();
    for (file, tids) in tids.chunks(75).enumerate() {
        plain(&fixture.path(Role::Baseline, &format!("{file}.parquet")), &of_groups(tids));
    }
    for (file, tids) in tids.chunks(2).enumerate() {
        plain(&fixture.path(Role::Candidate, &format!("{file}.parquet")), &of_groups(tids));
    }
    let outcome = fixture.examine(&Sizes);
    assert_eq!(blockers(&outcome), ["sizes.exploded"]);
    let summary = outcome.evidence.sizes.unwrap();
    assert_eq!((summary.baseline.unwrap().sizes.len(), summary.candidate.unwrap().sizes.len()), (8, 300));
    fixture.job.parameters.target_size = Some(60_000);
    assert_eq!(blockers(&fixture.examine(&Sizes))[0], "sizes.tiny_files");
}

#[test]
fn a_large_series_may_exceed_the_target_with_its_small_neighbours_or_alone() {
    let mut fixture = Fixture::of(shipped("metrics"));
    let large = |small: i64| -> Vec<i64> { (0..small).chain(std::iter::repeat_n(i64::MAX, 200)).collect() };
    for (name, tids) in [("1.parquet", (0..30).collect()), ("2.parquet", large(20))] {
        let tids: Vec<i64> = tids;
        for role in [Role::Baseline, Role::Candidate] {
            plain(&fixture.path(role, name), &of_groups(&tids));
        }
    }
    fixture.job.parameters.target_size = Some(30_000);
    let outcome = fixture.examine(&Sizes);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, vec!["sizes.too_large"]));
    assert!(outcome.findings[0].message.contains("because one group must stay whole"));
    // With a target's worth of other series in it, it could have been split between them.
    plain(&fixture.path(Role::Candidate, "2.parquet"), &of_groups(&large(60)));
    assert_eq!(blockers(&fixture.examine(&Sizes)), ["sizes.too_large"]);
}

#[test]
fn sizes_of_another_distribution_fail_without_a_target_and_are_reported_with_one() {
    let against = |rows: fn(u64) -> u64| {
        let fixture = Fixture::empty();
        for file in 0..10 {
            let name = format!("{file}.parquet");
            plain(&fixture.path(Role::Baseline, &name), &heavy(0, 20 + file));
            plain(&fixture.path(Role::Candidate, &name), &heavy(0, rows(file)));
        }
        fixture
    };
    assert_eq!(blockers(&against(|file| 60 + file).examine(&Sizes)), ["sizes.distribution"]);
    assert_eq!(blockers(&against(|file| 5 + file / 4).examine(&Sizes)), ["sizes.distribution"]);
    assert!(blockers(&against(|file| 28 + file).examine(&Sizes)).is_empty(), "not twice as large");
    let one = against(|file| if file == 9 { 200 } else { 20 + file });
    assert!(blockers(&one.examine(&Sizes)).is_empty(), "one large file of ten");
    let mut known = against(|file| 60 + file);
    known.job.parameters.target_size = Some(60_000);
    assert!(blockers(&known.examine(&Sizes)).is_empty());
}

#[test]
fn growth_by_a_mebibyte_counts_over_a_small_baseline_too() {
    let against = |rows: u64| {
        let fixture = Fixture::empty();
        plain(&fixture.path(Role::Baseline, "a.parquet"), &heavy(0, 100));
        plain(&fixture.path(Role::Candidate, "a.parquet"), &heavy(0, rows));
        fixture
    };
    assert!(blockers(&against(1_000).examine(&Sizes)).is_empty());
    assert_eq!(blockers(&against(2_000).examine(&Sizes)), ["sizes.total_grew"]);
    // A target says how large files are.
    let mut known = against(2_000);
    known.job.parameters.target_size = Some(100 << 20);
    assert!(blockers(&known.examine(&Sizes)).is_empty());
}

#[test]
fn frames_of_small_files_are_no_other_distribution() {
    let fixture = Fixture::empty();
    let small = take(&rows(), &[0, 1]);
    for file in 0..12 {
        let name = format!("{file}.parquet");
        write(&fixture.path(Role::Baseline, &name), &small);
        write(&fixture.path(Role::Candidate, &name), &vec![small[0].clone()]);
    }
    let outcome = fixture.examine(&Sizes);
    let sizes = outcome.evidence.sizes.as_ref().unwrap();
    let median = |side: &Option<SizeSummary>| side.as_ref().unwrap().quantiles[2];
    assert!(median(&sizes.baseline) > 2 * median(&sizes.candidate), "the case is of use");
    assert!(blockers(&outcome).is_empty(), "{:#?}", outcome.findings);
}

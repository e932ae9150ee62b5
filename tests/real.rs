//! Real telemetry, where it lies beside the checkout: never committed here.

use crate::support::{parallax, shared};

#[test]
fn the_unified_writer_passes_on_real_logs() {
    let Some(real) = shared("real") else {
        eprintln!("skipped: no real telemetry beside the checkout");
        return;
    };
    for folder in ["logs", "logs-raw", "logs-otel"] {
        let path = real.join(folder);
        let path = path.to_str().unwrap();
        let report = parallax(&["run", "--corpus", path]).finish().expect(0).report();
        assert!(report.totals.rows_in > 0);
        assert_eq!(report.totals.rows_in, report.totals.rows_candidate);
        parallax(&["run", "--corpus", path, "--baseline", "legacy:fingerprint"]).finish().expect(0);
        parallax(&["run", "--corpus", path, "--param", "rows_per_file=20"]).finish().expect(0);
    }
}

#[test]
fn a_directory_of_mixed_signals_is_an_error() {
    let Some(real) = shared("real") else {
        eprintln!("skipped: no real telemetry beside the checkout");
        return;
    };
    let mixed = tempfile::tempdir().unwrap();
    for name in ["logs", "metrics"] {
        let first = std::fs::read_dir(real.join(name)).unwrap().next().unwrap().unwrap().path();
        std::fs::copy(&first, mixed.path().join(first.file_name().unwrap())).unwrap();
    }
    let finished =
        parallax(&["run", "--signal", "logs", "--corpus", mixed.path().to_str().unwrap()]).finish().expect(2);
    assert!(finished.stderr.contains("mixed signals"), "{}", finished.stderr);
}

#[test]
fn outputs_of_the_original_with_several_row_groups_can_be_read_and_rewritten() {
    let Some(golden) = shared("golden") else {
        eprintln!("skipped: no golden files beside the checkout");
        return;
    };
    // parquet-go leaves out the ordinal of the first row group, which the Parquet crate alone refuses.
    let case = golden.join("buffet-logs-170k-rpf0");
    let (input, output) = (case.join("input"), case.join("output"));
    let compared =
        parallax(&["compare", input.to_str().unwrap(), output.to_str().unwrap(), "--key", "log.seq"])
            .finish()
            .expect(0);
    assert_eq!(compared.report().totals.rows_candidate, 170_000);
    let report = parallax(&["run", "--signal", "logs", "--corpus", output.to_str().unwrap()])
        .finish()
        .expect(0)
        .report();
    assert_eq!(report.totals.rows_candidate, 170_000);
}

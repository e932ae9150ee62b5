//! Real telemetry, where it lies beside the checkout: never committed here.

use reports::document::{CheckStatus, Role};

use crate::support::{check, parallax, shared};

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
fn both_mergers_agree_on_real_metrics() {
    let Some(real) = shared("real") else {
        eprintln!("skipped: no real telemetry beside the checkout");
        return;
    };
    let path = real.join("metrics");
    let path = path.to_str().unwrap();
    for (interval, estimate) in [("10000", "0"), ("60000", "0"), ("10000", "300"), ("60000", "50")] {
        let report = parallax(&[
            "run",
            "--corpus",
            path,
            "--param",
            &format!("interval={interval}"),
            "--param",
            "start=1749117660000",
            "--param",
            "end=1749117720000",
            "--param",
            &format!("rows_per_file={estimate}"),
        ])
        .finish()
        .expect(0)
        .report();
        let job = &report.jobs[0];
        assert_eq!(job.signal.as_deref(), Some("metrics"));
        for code in ["ROWS", "ACCOUNTING", "ORDER", "GROUP", "SKETCH", "METADATA"] {
            assert_eq!(check(job, code).status, CheckStatus::Pass, "{code} at {interval}/{estimate}");
        }
        let rows = job.rows.as_ref().unwrap();
        assert!(rows.tolerances.is_empty() && rows.equal > 400, "{rows:?}");
        let account = job.rollup.iter().find(|it| it.side == Role::Candidate).unwrap();
        // Real points are ten seconds apart.
        assert_eq!((account.merged_in > 0, account.lost), (interval == "60000", 0), "{account:?}");
    }
}

#[test]
fn both_sides_agree_on_real_traces() {
    let Some(real) = shared("real") else {
        eprintln!("skipped: no real telemetry beside the checkout");
        return;
    };
    let path = real.join("traces");
    for target in ["1100000", "20000"] {
        let target = format!("target_size={target}");
        let report = parallax(&["run", "--corpus", path.to_str().unwrap(), "--param", &target])
            .finish()
            .expect(0)
            .report();
        let job = &report.jobs[0];
        assert_eq!(job.signal.as_deref(), Some("traces"));
        for code in ["ROWS", "ACCOUNTING", "ORDER", "METADATA", "LOCALITY"] {
            assert_eq!(check(job, code).status, CheckStatus::Pass, "{code} at {target}");
        }
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

//! The other side's output: where it lies, and what becomes of it after its side has ended.

use super::*;

/// Both sides write down where they work; the candidate begins its attack when the baseline has ended and was looked at.
struct Meeting {
    inputs: Inputs,
    baseline: PathBuf,
    candidate: PathBuf,
}

impl Meeting {
    fn new() -> Self {
        let inputs = Inputs::new(&["met"]);
        let at = |name: &str| inputs.home.path().join(name);
        let (baseline, candidate) = (at("baseline"), at("candidate"));
        Self { inputs, baseline, candidate }
    }

    /// Runs `late` in the candidate, `$other` being the baseline's output.
    fn run(&self, baseline: &str, late: &str) -> Finished {
        let noted = |path: &Path| format!("echo \"$1\" > {0}.new; mv {0}.new {0}; ", path.display());
        let old = format!("{COPY}{}{baseline}", noted(&self.baseline));
        // The copies of a side are removed when it has ended; its output is sealed right after that.
        let wait = format!(
            "while [ ! -e {0} ]; do sleep 0.1; done; other=$(cat {0}); \
             while [ -e \"$other/../inputs\" ]; do sleep 0.1; done; sleep 2; ",
            self.baseline.display()
        );
        let new = format!("{COPY}{}{wait}{late}", noted(&self.candidate));
        let sides = side("old", &old, "") + &side("new", &new, "");
        self.inputs.invocation(&sides, &OLD_NEW).finish()
    }
}

#[test]
fn an_output_that_is_changed_after_its_side_has_ended_is_named_with_the_file() {
    for (late, said) in [
        (
            "printf X | dd of=\"$other/a.parquet\" bs=1 seek=100 conv=notrunc 2>/dev/null",
            "a.parquet (it holds other bytes",
        ),
        ("cp \"$2\" \"$other/b.parquet\"", "b.parquet (it was put there"),
        ("rm -r \"$other\"", "a.parquet (it was removed"),
    ] {
        let met = Meeting::new();
        let done = met.run("true", late);
        assert!(matches!(done.code, Some(1 | 3)), "{late}: {:?} {}", done.code, done.stderr);
        let report = done.report();
        let found = of_job(&report, "met", "errors.output-changed");
        assert_eq!(found.len(), 1, "{late}: {}", report.headline);
        let message = &found[0].message;
        let lead = "the output of the baseline was changed after it had ended, while the candidate worked";
        assert!(message.starts_with(lead) && message.contains(said), "{late}: {message}");
        assert_ne!(report.verdict, Verdict::Pass);
    }
    // A side that leaves the other's output alone.
    let met = Meeting::new();
    let report = met.run("true", "true").expect(0).report();
    assert!(of_job(&report, "met", "errors.output-changed").is_empty());
}

#[test]
fn a_process_that_outlives_its_side_and_writes_on_is_noticed() {
    let met = Meeting::new();
    let late = "setsid sh -c 'sleep 1; echo more >> \"$0/a.parquet\"' \"$1\" > /dev/null 2>&1 &";
    // The baseline works on for longer than that.
    let sides = side("old", &format!("{COPY}sleep 4"), "") + &side("new", &format!("{COPY}{late}"), "");
    let report = met.inputs.invocation(&sides, &OLD_NEW).finish().report();
    assert_ne!(report.verdict, Verdict::Pass);
    let found = of_job(&report, "met", "errors.output-changed");
    assert_eq!(found.len(), 1, "{}", report.headline);
    assert!(found[0].message.starts_with("the output of the candidate was changed"), "{}", found[0].message);
}

#[test]
fn one_file_in_both_outputs_is_no_output_of_its_own() {
    let met = Meeting::new();
    let done = met.run("true", "rm \"$1/a.parquet\"; ln \"$other/a.parquet\" \"$1/mine.parquet\"");
    let report = done.expect(3).report();
    let found = of_job(&report, "met", "errors.output-shared");
    assert_eq!(found.len(), 1, "{}", report.headline);
    assert!(
        found[0].message.contains("mine.parquet (it is a.parquet of the baseline"),
        "{}",
        found[0].message
    );
}

#[test]
fn sides_work_under_unrelated_names_in_a_directory_that_cannot_be_listed() {
    let met = Meeting::new();
    let dump = met.inputs.home.path().join("dump");
    let late = format!(
        "stat -c %a \"$1/../..\" > {0}; (env; printf '%s\\n' \"$0\" \"$@\"; ls \"$1/..\" \"$TMPDIR\") >> {0}",
        dump.display()
    );
    // Both are at work at the same time.
    let done = met.run("sleep 1", &late).expect(0);
    let place = |path: &Path| PathBuf::from(fs::read_to_string(path).unwrap().trim());
    let (a, b) = (place(&met.baseline), place(&met.candidate));
    let own = |output: &Path| output.parent().unwrap().to_owned();
    assert_ne!(own(&a), own(&b));
    for output in [&a, &b] {
        let name = own(output).file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.len() == 20 && name.bytes().all(|it| it.is_ascii_alphanumeric()), "{name}");
        assert!(!name.contains("baseline") && !name.contains("candidate"));
    }
    // Above both lies the directory for temporary files, and nothing nearer.
    let shared = |a: &Path, b: &Path| -> PathBuf {
        let parts = a.components().zip(b.components());
        parts.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    };
    assert_eq!(shared(&a, &b), done.path("tmp").canonicalize().unwrap(), "{} {}", a.display(), b.display());
    let dumped = fs::read_to_string(&dump).unwrap();
    assert_eq!(dumped.lines().next(), Some("300"), "the directory above can be entered and not listed");
    let secret = own(&a).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(dumped.contains(own(&b).to_str().unwrap()) && !dumped.contains(&secret), "{dumped}");
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

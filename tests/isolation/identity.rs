//! Who an external side is: what it declares that it depends on.

use super::*;

const DECLARED: &str = "depends = [\"lib/**\"]\nenv_names = [\"WRITER_MODE\"]";

/// Two jobs, of which the candidate ends the harness in the second at its first try. Then, when `change` was made in the directory,
/// with `WRITER_MODE` as given: what the resumed run says.
fn resumed(change: &dyn Fn(&Path), mode: &str) -> String {
    let inputs = Inputs::new(&["a", "b"]);
    let script = format!("{COPY}echo x >> count; [ $(wc -l < count) = 2 ] && kill -9 $PPID && sleep 5; true");
    let sides = side("old", COPY, "") + &side("new", &script, DECLARED);
    let (home, mut command) =
        inputs.invocation(&sides, &[&OLD_NEW[..], &["--threads", "1"]].concat()).into_parts();
    fs::create_dir(home.path().join("lib")).unwrap();
    fs::write(home.path().join("lib/part"), "one").unwrap();
    let status = command.env("WRITER_MODE", "fast").output().unwrap().status;
    assert_eq!(status.code(), None, "the harness was to be killed");
    change(home.path());
    let output = command.arg("--resume").env("WRITER_MODE", mode).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

#[test]
fn a_resumed_run_takes_over_what_the_same_side_did_and_nothing_else() {
    assert!(resumed(&|_| {}, "fast").contains("1 of 2 jobs taken over"));
    assert!(resumed(&|_| {}, "slow").contains("0 of 2 jobs taken over"));
    let change = |home: &Path| fs::write(home.join("lib/part"), "two").unwrap();
    assert!(resumed(&change, "fast").contains("0 of 2 jobs taken over"));
}

#[test]
fn a_declared_dependency_that_is_not_there_is_a_mistake_of_the_configuration() {
    let inputs = Inputs::new(&["a"]);
    for (more, said) in [
        ("depends = [\"lib/**\"]", "`side.new.depends`: \"lib/**\" matches no file"),
        ("depends = [\"a[\"]", "`side.new.depends`: \"a[\" is no pattern"),
        ("env_names = [\"A=B\"]", "`side.new.env_names`: \"A=B\" cannot be an environment variable"),
        ("env_names = [\"TMPDIR\"]", "TMPDIR is set by Parallax"),
    ] {
        let sides = side("old", COPY, "") + &side("new", COPY, more);
        let done = inputs.invocation(&sides, &OLD_NEW).finish().expect(2);
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
}

#[test]
fn the_digest_of_a_side_follows_what_it_declares_and_says_what_it_covers() {
    let inputs = Inputs::new(&["a"]);
    let sides = side("old", COPY, "") + &side("new", COPY, DECLARED);
    let secret = "hunter2-very-secret";
    let digest = |text: &str, variable: Option<&str>| {
        let invocation = inputs.invocation(&sides, &OLD_NEW);
        let (home, mut command) = invocation.into_parts();
        fs::create_dir_all(home.path().join("lib/deep")).unwrap();
        fs::write(home.path().join("lib/deep/part"), text).unwrap();
        command.env_remove("WRITER_MODE");
        variable.map(|value| command.env("WRITER_MODE", value));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let path = home.path().join("parallax-report/report.json");
        assert!(!fs::read_to_string(&path).unwrap().contains(secret));
        let report = read_report(&path, "");
        let side = report.jobs[0].candidate.side.clone();
        let covers = side.digest_covers.unwrap();
        assert!(covers.contains("1 declared dependency, 1 inherited variable; not covered"), "{covers}");
        let page = fs::read_to_string(home.path().join("parallax-report/index.html")).unwrap();
        assert!(page.contains("1 declared dependency, 1 inherited variable; not covered"));
        side.digest.unwrap()
    };
    let first = digest("one", Some(secret));
    assert_eq!(digest("one", Some(secret)), first);
    assert_ne!(digest("two", Some(secret)), first);
    assert_ne!(digest("one", Some("other")), first);
    assert_ne!(digest("one", None), digest("one", Some("")));
}

//! `docs/ci.md` works as it stands: its blocks are run in their order, in an empty directory.

use std::path::Path;
use std::process::Command;

use crate::support::{parallax, read_report};

/// A fenced block: what stands behind the fence, and the text.
pub fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find("\n```") {
        let block = &rest[at + 4..];
        let (kind, text) = block.split_once('\n').unwrap();
        let (text, after) = text.split_once("\n```").unwrap();
        found.push((kind, text));
        rest = after;
    }
    found
}

/// Runs a block of shell commands with the program on the path, and returns the exit code.
fn shell(home: &Path, text: &str, summary: Option<&Path>) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_parallax")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-e", "-c", text]).current_dir(home).env("PATH", path);
    command.env("PARALLAX_SOURCE", env!("CARGO_MANIFEST_DIR")).env_remove("GITHUB_STEP_SUMMARY");
    command.env_remove("GITHUB_ACTIONS");
    if let Some(summary) = summary {
        command.env("GITHUB_STEP_SUMMARY", summary);
    }
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_page_can_be_followed_literally() {
    let home = tempfile::tempdir().unwrap();
    let summary = home.path().join("step-summary.md");
    let mut run = 0;
    for (kind, text) in blocks(include_str!("../docs/ci.md")) {
        let words: Vec<&str> = kind.split(' ').collect();
        match words.as_slice() {
            // Building takes minutes, and the program is there already.
            ["sh", "install"] => assert!(text.starts_with("cargo install")),
            ["sh", rest @ ..] => {
                let wanted =
                    rest.first().map_or(0, |word| word.strip_prefix("exit=").unwrap().parse().unwrap());
                let (code, said) = shell(home.path(), text, Some(&summary));
                assert_eq!(code, Some(wanted), "{text}\n{said}");
                run += 1;
            }
            ["toml" | "json", name] => std::fs::write(home.path().join(name), text).unwrap(),
            ["toml"] => {
                parallax::config::Config::parse(text, Path::new("parallax.toml")).unwrap();
            }
            ["yaml"] => assert!(text.contains("ci/github")),
            other => panic!("a block of an unknown kind: {other:?}"),
        }
    }
    assert_eq!(run, 5);
    let broken = read_report(&home.path().join("broken-report/report.json"), "");
    assert_eq!(broken.totals.jobs_failed, 1);
    let page = std::fs::read_to_string(&summary).unwrap();
    assert!(page.starts_with("# ✅ PASS"), "{page}");
}

#[test]
fn the_step_of_a_ci_job_ends_with_the_exit_code_and_says_why() {
    let home = tempfile::tempdir().unwrap();
    let step = |arguments: &str| {
        let summary = home.path().join("page.md");
        drop(std::fs::remove_file(&summary));
        let text = format!("PARALLAX_ARGUMENTS={arguments:?} bash \"$PARALLAX_SOURCE/ci/github/run.sh\"");
        let (code, said) = shell(home.path(), &text, Some(&summary));
        (code, said, std::fs::read_to_string(summary).unwrap_or_default())
    };
    let (code, said, page) = step("--corpus compact-rows-per-file --candidate fault:drop-row");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("::error title=Parallax%3A not safe to roll out::") && page.starts_with("# ❌ FAIL"),
        "{said}{page}"
    );
    assert!(said.contains("::error title=compact-rows-per-file%3A rows.missing::"), "{said}");
    assert_eq!(page.matches("# ❌ FAIL").count(), 1, "told once");
    let (code, said, page) = step("--corpus no-such-corpus");
    assert_eq!(code, Some(2), "{said}");
    assert!(page.contains("could not run (exit code 2)"), "{page}");
    assert_eq!(said.matches("::error title=Parallax could not run::").count(), 1, "{said}");
    let (code, said, _) = step("--corpus compact-one-row --ci none");
    assert!(code == Some(0) && !said.contains("::notice"), "{said}");
}

#[test]
fn github_is_told_where_the_environment_shows_it_and_nobody_elsewhere() {
    let run = |variables: &[(&str, &str)], rest: &[&str]| {
        let arguments = ["run", "--corpus", "compact-one-row", "--candidate", "fault:drop-row"];
        let (home, mut command) = parallax(&[&arguments[..], rest].concat()).into_parts();
        let page = home.path().join("page.md");
        std::fs::write(&page, "before\n").unwrap();
        command.env("GITHUB_STEP_SUMMARY", &page).envs(variables.iter().copied());
        let done = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&done.stdout), text(&done.stderr), std::fs::read_to_string(page).unwrap())
    };
    let github = [("GITHUB_ACTIONS", "true")];
    let (stdout, _, page) = run(&github, &[]);
    assert!(stdout.contains("\n::error title=Parallax%3A "), "{stdout}");
    assert!(page.starts_with("before\n#"), "{page}");
    for (variables, rest) in
        [(&[][..], &[][..]), (&github, &["--ci", "none"]), (&[("GITHUB_ACTIONS", "1")], &[])]
    {
        let (stdout, stderr, page) = run(variables, rest);
        assert!(!stdout.contains("::error") && !stderr.contains("::error") && page == "before\n", "{stdout}");
    }
    let (stdout, stderr, _) = run(&[], &["--ci", "github", "--format", "json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&stdout).is_ok(), "stdout is one document");
    assert!(stderr.contains("::error title=Parallax%3A "), "{stderr}");
}

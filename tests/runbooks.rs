//! The runbooks work as they stand: the blocks of each are run in their order. Those that measure take minutes and say something
//! in a release build only, so they are run where `PARALLAX_RUNBOOKS` names the folder of a release program; then all pages share
//! one directory, because a phase asks for the gates of those before it.

use std::path::{Path, PathBuf};
use std::process::Command;

const PAGES: [(&str, &str); 5] = [
    ("foundation", include_str!("../docs/runbooks/foundation.md")),
    ("logs", include_str!("../docs/runbooks/logs.md")),
    ("traces", include_str!("../docs/runbooks/traces.md")),
    ("metrics", include_str!("../docs/runbooks/metrics.md")),
    ("cleanup", include_str!("../docs/runbooks/cleanup.md")),
];

/// Runs the blocks of a page in `home`, those that need a release build where `release` says so, and says how many.
fn follow(name: &str, page: &str, home: &Path, program: &Path, release: bool) -> usize {
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for (kind, text) in crate::ci_page::blocks(page) {
        let words: Vec<&str> = kind.split(' ').collect();
        match words.as_slice() {
            ["json", file] => std::fs::write(home.join(file), format!("{text}\n")).unwrap(),
            ["sh", rest @ ..] => {
                assert!(text.lines().all(|line| line.starts_with("parallax ")), "{name}: {text}");
                if rest.contains(&"release") && !release {
                    continue;
                }
                let wanted = rest.iter().find_map(|word| word.strip_prefix("exit=")).unwrap_or("0");
                let mut command = Command::new("bash");
                command.args(["-e", "-c", text]).current_dir(home).env("PATH", &path);
                let done = command.output().unwrap();
                let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
                let code = done.status.code().unwrap().to_string();
                assert!(wanted.split('|').any(|one| one == code), "{name}, exit {code}: {text}\n{said}");
                ran += 1;
            }
            other => panic!("{name}: a block of an unknown kind: {other:?}"),
        }
    }
    ran
}

#[test]
fn the_runbooks_can_be_followed_literally() {
    if let Ok(folder) = std::env::var("PARALLAX_RUNBOOKS") {
        let home = tempfile::tempdir().unwrap();
        let program = PathBuf::from(folder).canonicalize().unwrap();
        for (name, page) in PAGES {
            println!("{name}: {} commands", follow(name, page, home.path(), &program, true));
        }
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_parallax")).parent().unwrap();
    for (name, page) in PAGES {
        let home = tempfile::tempdir().unwrap();
        assert!(follow(name, page, home.path(), program, false) > 1, "{name}");
    }
}

#[test]
fn every_runbook_has_its_four_parts_and_stands_in_the_index() {
    let index = include_str!("../docs/runbooks/README.md");
    for (name, page) in PAGES {
        for part in ["## Before", "## During", "## After", "## Rollback"] {
            assert!(page.contains(&format!("\n{part}\n")), "{name}: {part}");
        }
        assert!(index.contains(&format!("[{name}.md]({name}.md)")), "{name}");
    }
}

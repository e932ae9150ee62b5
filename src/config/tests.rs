use std::fs;

use chrono::NaiveDate;
use reports::document::Role;

use super::*;
use crate::check::{SizeBounds, Tolerance};
use crate::policy::Policy;
use crate::policy::file::Asked;

fn policy(config: &Config) -> Policy {
    Policy::resolve(config, Asked::default()).unwrap()
}

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, Path::new("parallax.toml"))
}

fn refusal(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.class, reports::manifest::ErrorClass::Config);
    error.message
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(parse("").unwrap(), Config::default());
}

#[test]
fn every_table_is_read() {
    let config = parse(
        r#"
        [side.go-old]
        command = ["./compact", "--in-list", "{input_list}", "--out", "{output}"]
        env = { LAKERUNNER_USE_NEW_PARQUET_WRITER = "false" }
        timeout = "10m"
        [side.plain]
        command = ["compact"]

        [signal.audit]
        sort_key = ["when"]

        [compare]
        ignore = { "_cardinalhq.id" = "made anew on every run" }
        tolerance = { rollup_sum = { relative = 1e-9 }, rollup_avg = { absolute = 1, relative = 0.5 } }
        negative_zero_equal = true

        [sizes]
        tiny_share = 0.2
        bytes_floor = 0
        explosion_files = 7

        [[waiver]]
        code = "order.inverted"
        side = "candidate"
        job = "logs-1"
        column = "ts"
        reason = "known"
        owner = "ada"
        expires = "2026-02-28"
        [[waiver]]
        code = "sizes.total"
        reason = "other codec"
        owner = "bob"
        "#,
    )
    .unwrap();
    let old = config.side("go-old").unwrap();
    assert_eq!(old.command.len(), 5);
    assert_eq!(old.env.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["false"]);
    assert_eq!(old.timeout, Duration::from_secs(600));
    assert_eq!(config.side("plain").unwrap().timeout, DEFAULT_TIMEOUT);
    assert_eq!(config.signals["audit"]["sort_key"].as_array().unwrap().len(), 1);
    let policy = policy(&config);
    assert_eq!(policy.comparison.ignored["_cardinalhq.id"], "made anew on every run");
    assert_eq!(policy.comparison.tolerances["rollup_sum"], Tolerance { absolute: 0.0, relative: 1e-9 });
    assert_eq!(policy.comparison.tolerances["rollup_avg"], Tolerance { absolute: 1.0, relative: 0.5 });
    assert!(policy.comparison.negative_zero_equal);
    let expected =
        SizeBounds { tiny_share: 0.2, bytes_floor: 0, explosion_files: 7, ..SizeBounds::default() };
    assert_eq!(policy.size_bounds, expected);
    assert_eq!(policy.waivers.len(), 2);
    assert_eq!(policy.waivers[0].side, Some(Role::Candidate));
    assert_eq!(policy.waivers[1].expires, None);
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    for (text, place, key) in [
        ("sides = 1", "parallax.toml:1:1", "`sides`"),
        ("\n[side.a]\ncommand = [\"x\"]\ntime_out = \"1s\"", "parallax.toml:4:1", "`time_out`"),
        ("[compare]\nignored = {}", "parallax.toml:2:1", "`ignored`"),
        ("[compare.tolerance]\nx = { abs = 1.0 }", "parallax.toml:2:7", "`abs`"),
        ("[sizes]\ntiny = 1", "parallax.toml:2:1", "`tiny`"),
        ("[[waiver]]\ncode = \"a\"\nwho = \"b\"", "parallax.toml:3:1", "`who`"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(&format!("{place}: ")), "{message}");
        assert!(message.contains(key) && !message.contains('\n'), "{message}");
    }
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_file_and_line() {
    let side = |rest: &str| format!("[side.a]\ncommand = [\"x\"]\n{rest}");
    let waiver = |rest: &str| format!("[[waiver]]\ncode = \"c\"\n{rest}");
    for (text, line, said) in [
        ("[side.a]\ncommand = []".to_owned(), 2, "`side.a.command`: command is empty"),
        ("[side.a]\ncommand = [\"x\", \"{jobs}\"]".to_owned(), 2, "unknown placeholder `{jobs}`"),
        ("[side.a]\ncommand = \"x\"".to_owned(), 2, "invalid type"),
        ("[side.a]\nenv = {}".to_owned(), 1, "missing field `command`"),
        ("[side.\"a b\"]\ncommand = [\"x\"]".to_owned(), 1, "side name \"a b\""),
        (side("timeout = \"10 minutes\""), 3, "`side.a.timeout`: \"10 minutes\" is not a duration"),
        (side("env = { TMPDIR = \"x\" }"), 3, "TMPDIR is set by Parallax"),
        (side("env = { \"A=B\" = \"x\" }"), 3, "cannot be an environment variable"),
        ("[compare]\nignore = { x = \" \" }".to_owned(), 2, "`compare.ignore.x` must not be empty"),
        ("[compare.tolerance]\nx = {}".to_owned(), 2, "`compare.tolerance.x` needs"),
        ("[compare.tolerance]\nx = { absolute = -1.0 }".to_owned(), 2, "must be a finite number"),
        ("[compare.tolerance]\nx = { relative = nan }".to_owned(), 2, "must be a finite number"),
        (
            "[compare]\nignore = { x = \"r\" }\ntolerance = { x = { absolute = 1.0 } }".to_owned(),
            3,
            "choose one",
        ),
        ("[policy.same_type]\nx = \"floats\"".to_owned(), 2, "did you mean `float`?"),
        (
            "[policy]\nsame_type = { x = \"float\" }\ntolerance = { x = { absolute = 1.0 } }".to_owned(),
            2,
            "choose one",
        ),
        ("[sizes]\nbytes_warn = 0.9".to_owned(), 2, "must not exceed `sizes.bytes_fail`"),
        ("[sizes]\nbytes_floor = -1".to_owned(), 2, "invalid value"),
        (waiver("owner = \"o\""), 1, "missing field `reason`"),
        (waiver("reason = \"r\""), 1, "missing field `owner`"),
        (waiver("reason = \"\"\nowner = \"o\""), 3, "`waiver.reason` must not be empty"),
        (waiver("reason = \"r\"\nowner = \"o\"\nside = \"left\""), 5, "unknown variant `left`"),
        (waiver("reason = \"r\"\nowner = \"o\"\nexpires = \"2026-2-3\""), 5, "is not a day"),
        (waiver("reason = \"r\"\nowner = \"o\"\nexpires = \"2026-02-30\""), 5, "is not a day"),
        ("[side.a]\ncommand = [\"x\"]\n[side.a]\ncommand = [\"y\"]".to_owned(), 3, "duplicate key"),
    ] {
        let message = refusal(&text);
        assert!(message.starts_with(&format!("parallax.toml:{line}:")), "{text}\n{message}");
        assert!(message.contains(said), "{text}\n{message}");
    }
}

#[test]
fn a_waiver_holds_through_its_last_day() {
    let text = "[[waiver]]\ncode = \"c\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2026-02-28\"";
    let waiver = policy(&parse(text).unwrap()).waivers.remove(0);
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    assert!(!waiver.expired(day("2026-02-28")));
    assert!(waiver.expired(day("2026-03-01")));
}

#[test]
fn the_file_is_found_in_the_folder_and_is_never_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Config::discover(dir.path()).unwrap(), None);
    let path = dir.path().join(FILE_NAME);
    fs::write(&path, "[side.a]\ncommand = [\"x\"]").unwrap();
    let config = Config::discover(dir.path()).unwrap().unwrap();
    assert_eq!((config.path.as_deref(), config.folder.as_path()), (Some(path.as_path()), dir.path()));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(Config::discover(dir.path()).is_err(), "a directory of that name is no configuration");
    assert!(Config::load(&dir.path().join("other.toml")).unwrap_err().message.contains("other.toml"));
}

#[test]
fn a_side_that_is_not_declared_is_told_with_those_that_are() {
    let config = parse("[side.a]\ncommand = [\"x\"]").unwrap();
    let message = config.side("b").unwrap_err().message;
    assert!(message.contains("cmd:b") && message.contains("declared: a"), "{message}");
}

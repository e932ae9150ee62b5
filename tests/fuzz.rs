//! The bodies of the fuzz targets on sound inputs and on some thousand random ones, always the same, each in a process of its own
//! that may allocate as much as under a fuzzer.
//!
//! What a fuzzer finds in ten minutes is not found here. But a change that breaks what a target asserts is mostly seen at once,
//! without a fuzzer.

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Random numbers (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| self.next() as u8).collect()
    }
}

/// Set in the process that has the limit.
const LIMITED: &str = "PARALLAX_FUZZ_LIMITED";

/// Runs `work`, the body of the test of that name, in a process that may allocate [`targets::memory::MEMORY`] at one time.
fn limited(name: &str, work: impl FnOnce()) {
    if std::env::var_os(LIMITED).is_some() {
        crate::ALLOCATOR.set_limit(targets::memory::MEMORY).unwrap();
        return work();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("fuzz::{name}"), "--exact", "--nocapture"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}\n{told}", output.status);
}

#[test]
fn the_limit_is_the_documented_one_and_holds() {
    let page = include_str!("../docs/fuzzing.md");
    let (memory, resident) = (targets::memory::MEMORY >> 30, targets::memory::RSS_LIMIT_MB);
    assert!(page.contains(&format!("Every target may allocate {memory} GiB at one time")));
    assert!(page.contains(&format!("-rss_limit_mb={resident}")));
    limited("the_limit_is_the_documented_one_and_holds", || {
        let mut block: Vec<u8> = Vec::new();
        assert!(block.try_reserve_exact(targets::memory::MEMORY / 2).is_ok());
        assert!(Vec::<u8>::new().try_reserve_exact(targets::memory::MEMORY).is_err());
    });
}

/// Runs a target on `times` random inputs of up to `most` bytes, the same in every run. What panics is told with its input.
fn try_out(target: fn(&[u8]), times: usize, most: u64) {
    let mut chance = Chance(1);
    for number in 0..times {
        let bytes = chance.bytes(most);
        let tried = std::panic::catch_unwind(|| target(&bytes));
        assert!(tried.is_ok(), "input {number}, {bytes:02x?}");
    }
}

#[test]
fn sound_parquet_files_pass_against_themselves_whatever_they_are_judged_by() {
    limited("sound_parquet_files_pass_against_themselves_whatever_they_are_judged_by", || {
        for which in 0..targets::sound::FILES.len() as u8 {
            for how in 0..8 {
                targets::parquet_file::run(&[which, how]);
            }
        }
    });
}

#[test]
fn damaged_parquet_files_neither_panic_nor_pass_with_other_rows() {
    limited("damaged_parquet_files_neither_panic_nor_pass_with_other_rows", || {
        try_out(targets::parquet_file::run, 1_000, 40);
    });
}

#[test]
fn damaged_parquet_files_as_inputs_end_no_job_by_a_panic() {
    limited("damaged_parquet_files_as_inputs_end_no_job_by_a_panic", || {
        try_out(targets::segment_input::run, 300, 40);
    });
}

#[test]
fn damaged_footers_are_refused_or_can_be_asked() {
    limited("damaged_footers_are_refused_or_can_be_asked", || {
        try_out(targets::footer::run, 3_000, 60);
    });
}

#[test]
fn damaged_page_headers_are_refused_or_lie_one_behind_the_other() {
    limited("damaged_page_headers_are_refused_or_lie_one_behind_the_other", || {
        try_out(targets::page_headers::run, 3_000, 80);
    });
}

#[test]
fn arbitrary_sketches_are_refused_or_can_be_asked_and_added() {
    limited("arbitrary_sketches_are_refused_or_can_be_asked_and_added", || {
        try_out(targets::sketch::run, 20_000, 80);
    });
}

#[test]
fn sound_documents_are_understood() {
    limited("sound_documents_are_understood", || {
        for kind in 0..8 {
            targets::documents::run(&[kind]);
        }
        assert!(targets::json::are_understood());
    });
}

#[test]
fn damaged_documents_are_refused_or_come_back_as_they_were() {
    limited("damaged_documents_are_refused_or_come_back_as_they_were", || {
        try_out(targets::documents::run, 2_000, 40);
    });
}

#[test]
fn damaged_texts_are_refused_with_words_or_come_back_as_they_were() {
    limited("damaged_texts_are_refused_with_words_or_come_back_as_they_were", || {
        for kind in 0..9 {
            targets::texts::run(&[kind]);
        }
        try_out(targets::texts::run, 2_000, 40);
    });
}

#[test]
fn hostile_bundles_start_no_process_and_reach_nothing_outside_of_them() {
    limited("hostile_bundles_start_no_process_and_reach_nothing_outside_of_them", || {
        targets::hostile::each_alone();
        let home = tempfile::tempdir().unwrap();
        let mut chance = Chance(2);
        for number in 0..300 {
            let bytes = chance.bytes(40);
            let tried = std::panic::catch_unwind(|| {
                targets::hostile::perform(targets::input::Input::new(&bytes), home.path());
            });
            assert!(tried.is_ok(), "input {number}, {bytes:02x?}");
        }
    });
}

/// Every target sets the limit that the page names.
#[test]
fn every_target_has_the_documented_limit() {
    let mut targets = 0;
    for folder in ["fuzz/fuzz_targets", "legacy/fuzz/fuzz_targets"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let own = text.contains("cap::Cap::new(std::alloc::System, MEMORY)");
            let named = text.contains("cap::Cap::new(std::alloc::System, parallax_fuzz::memory::MEMORY)")
                || text.contains("parallax_fuzz::memory::MEMORY);");
            assert!(text.contains("#[global_allocator]") && (own || named), "{}", path.display());
            targets += 1;
        }
    }
    let page = include_str!("../docs/fuzzing.md");
    assert!(include_str!("../legacy/fuzz/fuzz_targets/sketch.rs").contains("const MEMORY: usize = 1 << 30;"));
    assert_eq!(targets::memory::MEMORY, 1 << 30);
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert!(targets >= 10 && rows >= 2 * targets, "{targets} targets, {rows} lines");
}

#[test]
fn hostile_archives_change_nothing_outside_their_directory() {
    limited("hostile_archives_change_nothing_outside_their_directory", || {
        try_out(targets::bundle::run, 1_000, 60);
    });
}

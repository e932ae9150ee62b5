//! Text that a user types: configuration, policy, signals, corpus specifications, jobs, and single values.
//!
//! 1. Nothing panics; whatever is refused is refused with words.
//! 2. What was read and is written again reads as the same: durations, ages, parameters, names of sides.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use corpora::parameters::{Origin, ResolvedParameters};
use corpora::spec::CorpusSpec;
use corpora::{JobFile, Signals};
use parallax::config::{Config, format_age, format_duration, parse_age, parse_duration};
use parallax::policy::Policy;
use parallax::policy::file::{Asked, PolicyFile};
use parallax::shell;
use parallax::side::select::Choice;
use parallax::side::template::Argument;

use super::input::Input;

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// Sound texts, by kind.
const SOUND: [&str; 9] = [
    include_str!("../sound/parallax.toml"),
    include_str!("../sound/policy.toml"),
    include_str!("../../corpora/signals/metrics.toml"),
    include_str!("../../corpora/specs/metrics-extreme-tids.toml"),
    "id = \"j\"\nsignal = \"logs\"\nkind = \"ingest\"\n[parameters]\nrows_per_file = -1\n",
    "10m",
    "rows_per_file=-1",
    "fault:drop-row",
    "--input={input}{{}}",
];

/// One execution. Input: what the text is, then the text, or changes to a sound one.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let text = if kind & 0x80 == 0 {
        changed(SOUND[usize::from(kind) % SOUND.len()], input)
    } else {
        String::from_utf8_lossy(input.rest()).into_owned()
    };
    let kind = usize::from(kind & 0x7f) % SOUND.len();
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
        read(kind, &text, home.path());
    });
}

fn read(kind: usize, text: &str, home: &Path) {
    let name = Path::new("text.toml");
    match kind {
        0 => match Config::parse(text, name) {
            Ok(config) => {
                let _ = Policy::resolve(&config, Asked::default());
                let mut signals = Signals::builtin().expect("the built-in signals");
                for (signal, table) in &config.signals {
                    let _ = signals.add(signal, table.clone(), "text.toml");
                }
            }
            Err(error) => assert!(error.message.contains("text.toml"), "{}", error.message),
        },
        1 => {
            if let Err(error) = PolicyFile::parse(text, name) {
                assert!(error.message.contains("text.toml"), "{}", error.message);
            }
        }
        2 => {
            let mut signals = Signals::builtin().expect("the built-in signals");
            if signals.add_toml("own", text, "text.toml").is_ok() {
                let signal = signals.get("own").expect("a signal that was added");
                signal.validate().expect("a signal that was taken is valid");
                let _ = signal.columns();
            }
        }
        3 => {
            if let Ok(spec) = CorpusSpec::parse(text, "text.toml", home) {
                assert_eq!(spec.source_text(), text);
                let _ = spec.segment_specs();
            }
        }
        4 => {
            let path = home.join("job.toml");
            std::fs::write(&path, text).expect("room for a file");
            let _ = JobFile::read(&path);
        }
        5 => values(text),
        6 => {
            let mut parameters = ResolvedParameters::default();
            if parameters.set_pair(text, Origin::Param).is_ok() {
                for (key, value, origin) in parameters.entries() {
                    let mut again = ResolvedParameters::default();
                    again.set(key, &value, origin).expect("a value that was written");
                    assert_eq!(again, parameters);
                }
            }
        }
        7 => {
            let _ = Choice::parse(text);
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let _ = shell::line(&words);
        }
        _ => drop(Argument::parse(text)),
    }
}

fn values(text: &str) {
    if let Ok(duration) = parse_duration(text) {
        assert!(duration > Duration::ZERO);
        assert_eq!(parse_duration(&format_duration(duration)), Ok(duration), "{text}");
    }
    if let Ok(age) = parse_age(text) {
        assert!(age > Duration::ZERO);
        assert_eq!(parse_age(&format_age(age)), Ok(age), "{text}");
    }
}

/// A sound text with characters, words and lines changed.
fn changed(sound: &str, mut input: Input<'_>) -> String {
    const WORDS: [&str; 16] = [
        "\"",
        "[",
        "]",
        "=",
        "{",
        "}",
        "\n",
        "#",
        "'''",
        "-1",
        "1e999",
        "99999999999999999999",
        "2025-02-30",
        "true",
        "[policy]\n",
        "\u{0}é",
    ];
    let mut text = sound.to_owned();
    // Doubled over and over, a line would fill the memory by itself.
    while !input.is_empty() && text.len() < 1 << 16 {
        let mut at = input.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match input.byte() % 5 {
            0 => text.truncate(at),
            1 => text.insert_str(at, WORDS[input.below(WORDS.len())]),
            2 => text.insert(at, char::from(input.byte())),
            3 => drop((at < text.len()).then(|| text.remove(at))),
            _ => {
                // A line is taken out or doubled.
                let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
                let end = text[at..].find('\n').map_or(text.len(), |it| at + it + 1);
                let line = text[start..end].to_owned();
                text.replace_range(
                    start..end,
                    &if input.byte().is_multiple_of(2) { String::new() } else { line.repeat(2) },
                );
            }
        }
    }
    text
}

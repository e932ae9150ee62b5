//! What an external side is made of, as far as that can be read: the digest by which a resumed run and a gate know it again.
//!
//! It covers the program wherever `PATH` has it, the arguments with the bytes of those that name a file, the declared environment, the
//! files that `depends` names and the values of the inherited variables that `env_names` names. What these load is not known here;
//! the report says so. Values of variables enter the digest alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reports::counted;

use crate::config::SideConfig;
use crate::content::{self, Parts};
use crate::error::{Error, Result, display};

/// Files that the patterns of one side may match.
const MOST_FILES: usize = 100_000;

/// Digests of what a side is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// Of everything; absent where the program cannot be found or read.
    pub(super) digest: Option<String>,
    /// What the digest covers and what it does not, in words.
    pub(super) covers: Option<String>,
    /// Of the declared dependencies and inherited variables alone, for keys that are made anew for each job.
    declared: String,
}

impl Identity {
    /// Reads what the side `name` is made of. `found` is its program, where that was found.
    ///
    /// # Errors
    /// Class `config` for a pattern that matches nothing or too much; others where a file cannot be read.
    pub(super) fn of(name: &str, config: &SideConfig, found: Option<&Path>, folder: &Path) -> Result<Self> {
        let depends = dependencies(name, &config.depends, folder)?;
        let mut declared = Parts::default();
        for (path, at) in &depends {
            declared.add(path);
            declared.add(&content::digest(at)?);
        }
        for variable in &config.env_names {
            declared.add(variable);
            // A variable that is not set is not one that is empty.
            declared.add(&std::env::var_os(variable).map_or("-".to_owned(), |value| {
                format!("={}", blake3::hash(value.as_encoded_bytes()).to_hex())
            }));
        }
        let declared = declared.finish();
        let Some(program) = found.and_then(|path| content::digest(path).ok()) else {
            return Ok(Self { digest: None, covers: None, declared });
        };
        let mut parts = Parts::default();
        parts.add(&program);
        let mut files = 0;
        for word in config.command.iter().skip(1) {
            parts.add(word);
            let path = folder.join(word);
            if path.is_file() {
                let Ok(digest) = content::digest(&path) else {
                    return Ok(Self { digest: None, covers: None, declared });
                };
                parts.add(&digest);
                files += 1;
            }
        }
        for (name, value) in config.env.iter() {
            parts.add(&format!("{name}={value}"));
        }
        if !config.depends.is_empty() || !config.env_names.is_empty() {
            parts.add(&declared);
        }
        let covers = format!(
            "the program, its arguments and `env`, {} of its arguments, {}, {}; not covered: what these load (libraries, \
             interpreters, network, other inherited variables); declare files with `depends`, variables with `env_names`",
            counted(files, "file", "files"),
            counted(depends.len() as u64, "declared dependency", "declared dependencies"),
            counted(config.env_names.len() as u64, "inherited variable", "inherited variables"),
        );
        Ok(Self { digest: Some(parts.finish()), covers: Some(covers), declared })
    }
}

/// Files that the patterns match, by their path relative to `folder`. A directory that is matched stands for all files in it.
fn dependencies(name: &str, patterns: &[String], folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let key = format!("side {name}: `side.{name}.depends`");
    let mut all = BTreeMap::new();
    for pattern in patterns {
        let Some(within) = folder.to_str().map(glob::Pattern::escape) else {
            return Err(Error::config(format!(
                "{key}: the folder {} is not valid Unicode",
                folder.display()
            )));
        };
        // Alone at the end, `**` would match directories and not the files in the first of them.
        let deep = if pattern.ends_with("**") { "/*" } else { "" };
        let whole = Path::new(&within).join(format!("{pattern}{deep}"));
        let matches = glob::glob(&whole.to_string_lossy())
            .map_err(|error| Error::config(format!("{key}: {pattern:?} is no pattern: {error}")))?;
        let mut matched = 0;
        for path in matches {
            let path = path.map_err(|error| {
                let at = error.path().to_path_buf();
                Error::io("cannot list", &at, error.into())
            })?;
            for entry in walkdir::WalkDir::new(&path).follow_links(true) {
                let entry = entry.map_err(|error| Error::config(format!("{key}: {pattern:?}: {error}")))?;
                if !entry.file_type().is_file() {
                    continue;
                }
                matched += 1;
                let at = entry.into_path();
                all.insert(display(at.strip_prefix(folder).unwrap_or(&at)), at);
                if all.len() > MOST_FILES {
                    return Err(Error::config(format!(
                        "{key}: the patterns match more than {MOST_FILES} files; name fewer"
                    )));
                }
            }
        }
        if matched == 0 {
            return Err(Error::config(format!(
                "{key}: {pattern:?} matches no file below {}; correct the pattern or leave it out",
                folder.display()
            )));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::config::Environment;

    #[test]
    fn the_digest_follows_declared_files_and_variables() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("lib/deep")).unwrap();
        for file in ["program", "script", "lib/a", "lib/deep/b", "other"] {
            fs::write(root.join(file), file).unwrap();
        }
        let words = |words: &[&str]| words.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let of = |depends: &[&str], names: &[&str]| {
            let config = SideConfig {
                command: words(&["./program", "script", "{job}"]),
                env: Environment::default(),
                timeout: Duration::from_secs(1),
                depends: words(depends),
                env_names: words(names),
            };
            Identity::of("x", &config, Some(&root.join("program")), root)
        };
        let bare = of(&[], &[]).unwrap();
        let whole = of(&["lib/**"], &[]).unwrap();
        assert_ne!(bare.digest, whole.digest);
        assert!(bare.covers.as_ref().unwrap().contains("1 file of its arguments, 0 declared dependencies"));
        assert!(whole.covers.as_ref().unwrap().contains("2 declared dependencies"), "{whole:?}");
        fs::write(root.join("other"), "changed").unwrap();
        assert_eq!(of(&["lib/**"], &[]).unwrap(), whole, "what is not declared plays no part");
        fs::write(root.join("lib/deep/b"), "changed").unwrap();
        let changed = of(&["lib/**"], &[]).unwrap();
        assert!(changed.digest != whole.digest && changed.declared != whole.declared);
        assert_eq!(of(&[], &[]).unwrap(), bare);
        let set = of(&[], &["PATH"]).unwrap();
        let unset = of(&[], &["PARALLAX_SURELY_NOT_SET"]).unwrap();
        assert!(set.digest != bare.digest && set.digest != unset.digest && unset.digest != bare.digest);
        let error = of(&["lib/**", "no/*"], &[]).unwrap_err();
        assert_eq!(error.class, reports::manifest::ErrorClass::Config);
        assert!(error.message.contains("`side.x.depends`: \"no/*\" matches no file"), "{}", error.message);
    }
}

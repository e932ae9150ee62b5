//! `ci/container/Containerfile` as far as it can be held without running a container.

use std::path::Path;

const FILE: &str = include_str!("../ci/container/Containerfile");

/// The words behind an instruction, for every line that begins with it.
fn lines(instruction: &str) -> impl Iterator<Item = Vec<&'static str>> {
    FILE.lines()
        .filter_map(move |line| line.strip_prefix(instruction))
        .map(|rest| rest.split_whitespace().collect())
}

#[test]
fn the_container_file_copies_what_a_build_needs_and_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied: Vec<&str> = lines("COPY ")
        .filter(|words| !words[0].starts_with("--from"))
        .flat_map(|words| words[..words.len() - 1].to_vec())
        .collect();
    for path in &copied {
        assert!(root.join(path).exists(), "{path} is copied, and is not there");
    }
    let manifest: toml::Table = toml::from_str(include_str!("../Cargo.toml")).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members = members.iter().map(|member| member.as_str().unwrap()).filter(|member| *member != ".");
    let targets = ["test", "bench"].into_iter().flat_map(|kind| manifest[kind].as_array().unwrap());
    // Cargo refuses a manifest that names a target whose file is missing, whatever is built.
    let folders = targets.map(|target| target["path"].as_str().unwrap().split('/').next().unwrap());
    for needed in members.chain(folders).chain(["src", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"]) {
        let there = copied.iter().any(|path| Path::new(needed).starts_with(path));
        assert!(there, "{needed} is needed, and is not copied");
    }
}

#[test]
fn the_container_file_builds_with_the_pinned_toolchain_as_a_user_that_is_not_root() {
    let pin: toml::Table = toml::from_str(include_str!("../rust-toolchain.toml")).unwrap();
    let channel = pin["toolchain"]["channel"].as_str().unwrap();
    let images: Vec<&str> = lines("FROM ").map(|words| words[0]).collect();
    assert_eq!(images, [&format!("rust:{channel}-alpine"), "scratch"]);
    assert!(FILE.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")), "another toolchain than the pinned one");
    let user = lines("USER ").last().unwrap()[0];
    assert!(!user.starts_with("0") && !user.starts_with("root"), "{user}");
    // Plain names: where images come from is for whoever builds.
    assert!(images.iter().all(|image| !image.contains('/')), "{images:?}");
    assert!(FILE.contains("ENTRYPOINT [\"/usr/bin/parallax\"]"));
}

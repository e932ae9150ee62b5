//! A bundle from a stranger: an archive unpacked into a directory, and the documents in it.
//!
//! Input: which kind of archive, then: the bytes of a compressed stream; or the bytes of a plain archive, compressed here; or
//! entries with hostile paths, kinds, sizes and long names, listed rightly or not; or a sound archive of hostile documents, see
//! [`super::hostile`].
//!
//! 1. Nothing panics, nothing takes memory without bound.
//! 2. Nothing outside the directory is made, changed or removed; nothing in it is anything but a plain file or a folder.
//! 3. Where unpacking succeeds, every file is what the list says.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use parallax::bundle::archive::{self, MANIFEST, UNPACK_LIMIT};

use super::input::Input;

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// Paths that entries are given.
const PATHS: [&str; 18] = [
    "a",
    "b",
    "inputs/00000-a.parquet",
    "inputs",
    "a/b",
    "bundle.json",
    MANIFEST,
    "",
    ".",
    "..",
    "../out",
    "../../out",
    "a/../../out",
    "/tmp-parallax-out",
    "./a",
    "a//b",
    "a\\..\\b",
    "outputs/baseline/x.parquet",
];

/// Kinds of entries: files old and new, links, devices, folders, long names, extended headers, sparse files.
const KINDS: [u8; 16] =
    [b'0', b'0', b'0', b'\0', b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'L', b'K', b'x', b'g', b'S'];

/// One execution.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
        let mut input = Input::new(bytes);
        let stream = match input.byte() % 16 {
            0 => input.rest().to_vec(),
            1 | 2 => compressed(input.rest()),
            3..=7 => compressed(&entries(&mut input)),
            _ => return super::hostile::perform(input, home.path()),
        };
        unpack(&stream, home.path());
    });
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("compressed in memory")
}

fn unpack(stream: &[u8], home: &Path) {
    let (bundle, outer) = (home.join("bundle.tar.zst"), home.join("outer"));
    let to = outer.join("deep/to");
    drop(fs::remove_dir_all(&outer));
    fs::create_dir_all(&to).expect("room for a folder");
    fs::write(outer.join("witness"), "witness").expect("room for a file");
    fs::write(&bundle, stream).expect("room for a file");
    let unpacked = archive::unpack(&bundle, &to, UNPACK_LIMIT);
    for entry in walkdir::WalkDir::new(home).min_depth(1) {
        let entry = entry.expect("a readable folder");
        let path = entry.path();
        if path.starts_with(&to) {
            let kind = entry.file_type();
            assert!(kind.is_file() || kind.is_dir(), "{} is no plain file", path.display());
        } else {
            let ours = path == bundle || path == outer.join("witness") || to.starts_with(path);
            assert!(ours, "{} was made outside of the directory", path.display());
        }
    }
    assert!(!Path::new("/tmp-parallax-out").exists(), "a file was made at the root");
    assert_eq!(fs::read(outer.join("witness")).expect("the witness"), b"witness");
    if unpacked.is_ok() {
        archive::pack(&to, &home.join("again.tar.zst")).expect("what was unpacked can be packed");
        fs::remove_file(home.join("again.tar.zst")).expect("a file that is there");
    }
}

/// A bundle of these files, listed as they are.
pub fn archive_of(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let list: String =
        files.iter().map(|(path, content)| format!("{}  {path}\n", blake3::hash(content))).collect();
    let mut archive = Vec::new();
    for (path, content) in std::iter::once((MANIFEST, list.as_bytes()))
        .chain(files.iter().map(|(path, content)| (*path, content.as_slice())))
    {
        archive.extend(header(path.as_bytes(), b'0', content.len() as u64, &mut Input::new(&[])));
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1_024, 0);
    compressed(&archive)
}

/// An archive, entry by entry.
fn entries(input: &mut Input<'_>) -> Vec<u8> {
    let count = usize::from(input.byte() % 6);
    let (mut body, mut list) = (Vec::new(), String::new());
    for _ in 0..count {
        let path = PATHS[input.below(PATHS.len())];
        let kind = KINDS[input.below(KINDS.len())];
        let content = content(kind, input);
        list.push_str(&format!("{}  {path}\n", blake3::hash(&content)));
        let size = if input.byte() < 200 { content.len() as u64 } else { input.number().cast_unsigned() };
        let name = if input.byte() < 220 {
            path.as_bytes().to_vec()
        } else {
            input.below(120).to_string().repeat(30).into_bytes()
        };
        body.extend(header(&name, kind, size, input));
        body.extend(&content);
        body.resize(body.len().next_multiple_of(512), 0);
    }
    let mut list = list.into_bytes();
    if input.byte() > 200 {
        super::thrift::change_bytes(&mut list, input);
    }
    let mut archive = header(MANIFEST.as_bytes(), b'0', list.len() as u64, &mut Input::new(&[]));
    archive.extend(&list);
    archive.resize(archive.len().next_multiple_of(512), 0);
    if input.byte() > 230 {
        archive.clear();
    }
    archive.extend(body);
    archive.resize(archive.len() + 1_024, 0);
    while !input.is_empty() {
        super::thrift::change_bytes(&mut archive, input);
    }
    archive
}

/// What an entry holds: bytes, a name, or an extended header.
fn content(kind: u8, input: &mut Input<'_>) -> Vec<u8> {
    match (kind, input.byte() % 4) {
        (b'L' | b'K', 0) => vec![b'a'; input.below(1 << 12)],
        (b'L' | b'K' | b'1' | b'2', _) => PATHS[input.below(PATHS.len())].as_bytes().to_vec(),
        (b'x' | b'g', 0) => format!("20 path={}\n", PATHS[input.below(PATHS.len())]).into_bytes(),
        (b'x' | b'g', _) => format!("{} size={}\n", input.byte(), input.number()).into_bytes(),
        (_, 0) => vec![0; input.below(1 << 12)],
        _ => (0..input.byte() % 40).map(|_| input.byte()).collect(),
    }
}

/// A header as an attacker writes it: the crate itself refuses most of this.
fn header(name: &[u8], kind: u8, size: u64, input: &mut Input<'_>) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let room = header.as_old().name.len();
    header.as_old_mut().name[..name.len().min(room)].copy_from_slice(&name[..name.len().min(room)]);
    header.as_old_mut().linkname[..6].copy_from_slice(b"../out");
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size);
    header.set_mode(0o644);
    if input.byte() > 230 {
        let at = input.below(512);
        header.as_mut_bytes()[at] = input.byte();
    }
    header.set_cksum();
    header.as_bytes().to_vec()
}

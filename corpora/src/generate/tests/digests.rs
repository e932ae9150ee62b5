//! Immutability: the bytes of every built-in corpus at its default seed. A line that has to change means another corpus,
//! and so another name, unless the Parquet encoder changed underneath.

use super::*;

/// Name, rows, first 128 bits of the digest.
const DIGESTS: &[(&str, u64, &str)] = &[
    ("compact-late-early-timestamps", 4000, "f7cb3b9f6571c4af26ce49c3f2ce0ab5"),
    ("compact-interleaved-hours", 3000, "eb73a3c4f3e45181bf3c93b68163af0b"),
    ("compact-hour-day-boundaries", 1000, "0fda4999a722937fe7f27d5491dccd8f"),
    ("compact-heavy-ties", 4000, "bce57af5e5c4e9cff1c05fcd166897ed"),
    ("compact-odd-timestamps", 900, "ab24f983c8e20ea2e5dc29410d2f0f33"),
    ("compact-no-timestamp-column", 300, "549eb9359a281a27e412923c2f725ff5"),
    ("compact-sparse-columns", 2000, "05435e75b4a39a8627dd6526fe1ccae4"),
    ("compact-late-column", 1500, "c72102775a0790dbe9b4a45b7b17dfd5"),
    ("compact-null-columns", 600, "6382c213afd1ee0bb537220827a5e27c"),
    ("compact-empty-strings", 1000, "db2cad22699be6fff787096027cb5c2d"),
    ("compact-unicode", 1200, "debc9df4442f1420caeded935b1c8042"),
    ("compact-long-values", 240, "a8d510b5477561bdf3e79bbf9a1090cf"),
    ("compact-many-distinct", 6000, "70cbd5dec3c73ffac315b1584b00b4d6"),
    ("compact-200-columns", 500, "bcb9abe7e9b4ebd08f414718f6264148"),
    ("compact-zero-rows", 0, "d4b65a2000cf89f3e6989d4a78488121"),
    ("compact-one-row", 1, "b83a9996473d778800ca8e3708897d99"),
    ("compact-one-input", 1000, "2bbab5a67d74a509c62925b071433bb7"),
    ("compact-many-inputs", 2000, "e274343c141201b4a2f8780616b18a5e"),
    ("compact-differing-schemas", 1600, "898d148e7461184f2041d11bd4ad20aa"),
    ("compact-type-conflict", 200, "77cf838b2b3b1f68fa5d80024292d89c"),
    ("compact-no-id", 2000, "a23a37279bbc333e4fcef95ad5abf667"),
    ("compact-duplicate-rows", 2000, "e2eae14b693d17063220bbdcb992d4b0"),
    ("compact-every-type", 1500, "40be31a2d30aa5c0bef4c17a1a414eaf"),
    ("compact-rows-per-file", 20000, "853f20f7a091fea73b644360a1c59583"),
    ("compact-production", 40000, "9059bb913e0be084849aab7a9c911e6b"),
    ("ingest-late-early-timestamps", 4000, "23f72748a229c95e0d1f25e01f96b81b"),
    ("ingest-interleaved-hours", 3000, "717db2b822d50dceb68881200e8356f7"),
    ("ingest-hour-day-boundaries", 900, "34a8c083e085ed28835d14e90849ce3d"),
    ("ingest-heavy-ties", 12000, "f6502d75a81a5fef2085751d810a72cb"),
    ("ingest-zero-negative-timestamps", 400, "9a6fc8cbb6fa5461efa5643e6b794e55"),
    ("ingest-missing-timestamps", 1200, "2163d2b5926db1dfa2e26ec26a868810"),
    ("ingest-no-timestamp-column", 200, "0ce1c382cf7f12ca6caf20ce21af2ec7"),
    ("ingest-null-timestamps", 200, "2154e382da3b73bc36578046f85eb43e"),
    ("ingest-float-timestamps", 2000, "f3f4530f7fe2c010b36fc0c912d0d0b8"),
    ("ingest-nan-timestamps", 300, "aa375ac080968461628f1f9dc914415e"),
    ("ingest-text-timestamps", 200, "4604cd8896d7ba39d604ae5d8bd80e8f"),
    ("ingest-late-column", 900, "22ded75abcf96f4a3fb7680c3e71c8ca"),
    ("ingest-unicode", 800, "bf7f5126b39b631dd114c0f832c44ed1"),
    ("ingest-zero-rows", 0, "0a61a52bbe4609c1d34597db2dfb5554"),
    ("ingest-one-row", 1, "e501fbe6ee807f1963d205d987a978d0"),
    ("ingest-chunk-merge", 20000, "b46283c2b5d0b612296e347f115d5c46"),
    ("ingest-production", 30000, "0b0e7c0947eed61418d61fdeaa7c823a"),
];

#[test]
fn every_corpus_is_what_it_was_when_it_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::builtin().unwrap();
    let mut found = Vec::new();
    for spec in catalog.iter() {
        let generated = spec.generate(&dir.path().join(&spec.name), Generate::default()).unwrap();
        found.push((spec.name.clone(), generated.rows, generated.digest[..32].to_owned()));
    }
    let expected: Vec<_> = DIGESTS
        .iter()
        .map(|(name, rows, digest)| ((*name).to_owned(), *rows, (*digest).to_owned()))
        .collect();
    let table: String = found
        .iter()
        .map(|(name, rows, digest)| format!("    (\"{name}\", {rows}, \"{digest}\"),\n"))
        .collect();
    assert!(found == expected, "now:\n{table}");
}

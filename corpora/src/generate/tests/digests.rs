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
    ("metrics-overlap-2", 2000, "d704fe61060292f5f7536a31447c2b36"),
    ("metrics-overlap-5", 4000, "db119247daf581e0fad5550928b19433"),
    ("metrics-overlap-12", 3600, "bed970baabcda4a7f2ea6969254bb5f4"),
    ("metrics-rollup-60s", 3000, "8ce0464aed3fea3dbe65b7ae8272a0a8"),
    ("metrics-same-shape-twice", 1000, "e7d7357462c9f7f44851e8005fe969ff"),
    ("metrics-large-series", 3000, "6c3f86415994d24fdb06abf471166d8a"),
    ("metrics-tiny-series", 6000, "7d652a0fe1f55eb004e37062b1dcf397"),
    ("metrics-skewed-sizes", 5000, "e10db43eb240fe2fc1952989f3010361"),
    ("metrics-names-per-tid", 2400, "2960e58233b8eaa1f337158627c63e5f"),
    ("metrics-row-estimate-multiple", 1000, "32867d904505db5e642d50b59e97c52b"),
    ("metrics-singletons", 1200, "61f1430655c1b7c78467fe944a4c2d00"),
    ("metrics-lone-rows", 400, "78a710d83bb6b50cb5113c5db62cadb6"),
    ("metrics-empty-sketches", 900, "b49216da4fd0737032130a978f2062b1"),
    ("metrics-garbage-sketches", 900, "4bc4515f631dde0a92249b4dc17ba755"),
    ("metrics-foreign-accuracy", 900, "77921994d9af42044655d94fd5a27563"),
    ("metrics-no-values", 900, "e38b7c2865468877df6c5b0fd388b8c0"),
    ("metrics-nan-infinite-sums", 900, "3d32a68f4785fc19350e276f561e8b61"),
    ("metrics-other-rollups", 900, "09a6e3297f3aba98f91837f2c1b3b3ea"),
    ("metrics-zeros-negatives", 1500, "4d0cff724b8922b6bc962c4a469fe884"),
    ("metrics-wide-values", 600, "ea8ad2ab111680770c9b8c39d0872077"),
    ("metrics-negative-tids", 1200, "ba3b314d59c72e0b3e4f784d84bdde09"),
    ("metrics-extreme-tids", 1200, "a50515cec11930125c0c53a6bb27a8bb"),
    ("metrics-tids-as-text", 1500, "efb2e5525e4bea54b469feb0d9223d01"),
    ("metrics-highest-tid-lone", 600, "8ac21b70788f2138f2a95c6c3c6b6d5e"),
    ("metrics-highest-tid-merged", 600, "5dc2ef85948c91437c7faa881d694888"),
    ("metrics-out-of-range", 1500, "add08985ae77d73bcab0f6586ecc8035"),
    ("metrics-all-out-of-range", 300, "d8331b46a2d3bb8c045fc3dc2554ba0a"),
    ("metrics-unaligned", 1500, "408acd38195bbe16fac27e1ff941b0e1"),
    ("metrics-negative-timestamps", 1500, "ed6902793fefd37e3a5a16a5480d8751"),
    ("metrics-null-timestamps", 900, "1601e66241a6f06ccc51c52448e3a234"),
    ("metrics-null-names", 900, "ab420ddd511ecdf1acf938f437f0ab90"),
    ("metrics-null-sketches", 900, "f5cf3ed4d52af9721f4fd60ea0f8f28d"),
    ("metrics-late-without-sketch", 900, "692d87652e33bd81552780d1887695fb"),
    ("metrics-differing-columns", 1200, "c8ed2bffac1b2ef1d208298b835c1c82"),
    ("metrics-unicode", 1200, "7e25f804be458bede6dc351e97028543"),
    ("metrics-zero-row-inputs", 900, "f521b33de0fa92943c8c35ab09bfbb93"),
    ("metrics-only-zero-row-inputs", 0, "85a3681fdda21fd70214b17ac15e0222"),
    ("metrics-one-row", 1, "2d13a14536d6625bb9646c85f91e4b85"),
    ("metrics-one-input", 1200, "e44b9f41574340658d8cac9cf0dc32d8"),
    ("metrics-unsorted", 900, "09e9374b2f1479d44ff948ba20d58a21"),
    ("metrics-unsorted-one-row", 900, "5823a54fdff6d6eeece0dc7069b0b01c"),
    ("metrics-unsorted-highest-tid", 600, "2deef181495b791855f88e0468a0a994"),
    ("metrics-type-conflict", 300, "b441a4fe1402c4e966a0cb16e400b9ef"),
    ("metrics-count-as-int64", 300, "d9ef2f3b59a70f9fd892c553d71981e8"),
    ("metrics-null-tid", 300, "313c6a84a69b1a1154c31f2c5f31e873"),
    ("metrics-no-tid-column", 200, "3f0bafc8357cfb5a868387a9db907cc6"),
    ("metrics-interval-not-dividing", 200, "7678a32c445dfb0aa5ddfa1dd898ac31"),
    ("metrics-production", 20000, "ba5ca3c654ddfdc951a220fd53a3f71a"),
    ("traces-slot-0-of-16", 1500, "44fd4c0c17af21d76f399fc33af3f846"),
    ("traces-slot-7-of-16", 1500, "e15be4503c70f1a69210906c539d2cee"),
    ("traces-slot-15-of-16", 1500, "6ab0a4cdcfe146b62b6e9c4e6e22e9b3"),
    ("traces-many-slots", 800, "a9ba7d8c432d66912e16b482dba43e70"),
    ("traces-single-slot", 1500, "ada858c62428655d2f878fe3c87adfa0"),
    ("traces-long-traces", 6000, "b902197a71d6025420ea60c2180d5194"),
    ("traces-orphans", 1200, "d78c5a6d2aff9199eaef2634b7010328"),
    ("traces-equal-starts", 2000, "e62e13119b85f075f1f86b528ece89d5"),
    ("traces-missing-starts", 1200, "718ac25e522deb7847e2f86e163d9d62"),
    ("traces-no-start-column", 300, "1689ed052a9a13db8bb720da9d46f5ad"),
    ("traces-missing-trace-ids", 1200, "1de72bd3acd9c8d6acf1b47361710041"),
    ("traces-missing-span-ids", 1200, "8db0523948bfef54c1626e45b5ad4b0a"),
    ("traces-zero-row-inputs", 600, "2105bf0559d83d28d32ead70daac1e0d"),
    ("traces-only-zero-row-inputs", 0, "bfef39a5a6efdc370cb162cae2da00b3"),
    ("traces-one-row", 1, "b1589a0a099301ba3145954ead676374"),
    ("traces-many-inputs", 1500, "ec66e2bedb8671f1bcae0a09f5d83d35"),
    ("traces-differing-schemas", 1200, "dd856b40537115bfe7000ab5767cfb5f"),
    ("traces-type-conflict", 300, "3016c2991dfb0b666572311e33b5bdf8"),
    ("traces-out-of-order", 2000, "d2dac57fb7e2035c6e411ff68824b2f2"),
    ("traces-unicode", 1200, "e98c860b24f50128bb92b9aa1655c641"),
    ("traces-production", 20000, "3c714ee64b4349a57f33b2759c432611"),
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

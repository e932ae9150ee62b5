//! Links to one finding: stable names made of its id.
//!
//! An id may hold any character and be long. Its anchor is `finding-` and 16 hexadecimal digits of FNV-1a over the id: the
//! same finding has the same anchor in every report of the same data. It names, it proves nothing.

/// 16 hexadecimal digits of an id.
pub(crate) fn digest(id: &str) -> String {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Where a finding is on the page, relative to the report: `index.html#finding-...`.
pub(crate) fn to_finding(id: &str) -> String {
    format!("index.html#finding-{}", digest(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a_of_64_bits() {
        assert_eq!(digest(""), "cbf29ce484222325");
        assert_eq!(digest("foobar"), "85944171f73967e8");
        assert_eq!(to_finding("foobar"), "index.html#finding-85944171f73967e8");
    }
}

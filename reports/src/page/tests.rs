//! The policy of the pages allows exactly what they hold.

use super::*;

#[test]
fn the_policy_allows_our_style_and_script_by_their_digests() {
    for (kind, text) in [("style", STYLE), ("script", SCRIPT)] {
        let expected = format!("{kind}-src {}", source(text));
        assert!(POLICY.contains(&expected), "put this into POLICY: {expected}");
        // A closing tag within would end the element early.
        assert!(!text.contains("</"), "{kind}");
    }
}

#[test]
fn the_dark_theme_is_the_same_whether_the_system_or_the_reader_chose_it() {
    let colours = |head: &str| -> Vec<&str> {
        let body = STYLE.split_once(head).unwrap().1.split_once('}').unwrap().0;
        body.split(';').map(str::trim).filter(|line| line.starts_with("--")).collect()
    };
    let system = colours(":root:not([data-theme=\"light\"]) {");
    assert!(system.len() > 20, "{}", system.len());
    assert_eq!(system, colours(":root[data-theme=\"dark\"] {"));
    let light: Vec<_> = colours(":root {").iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(light, system.iter().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>());
}

#[test]
fn the_digest_of_the_policy_test_is_sha_256() {
    let hex: String = sha256(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(base64(b"Parallax"), "UGFyYWxsYXg=");
}

/// How a policy names a text: by its SHA-256 in Base64.
pub(crate) fn source(text: &str) -> String {
    format!("'sha256-{}'", base64(&sha256(text.as_bytes())))
}

/// SHA-256 as FIPS 180-4 gives it. Only tests use it, so it needs no crate.
fn sha256(message: &[u8]) -> [u8; 32] {
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).collect();
    // The first 32 bits of the fractions of the primes' square and cube roots.
    let fraction = |root: f64| ((root - root.floor()) * 4_294_967_296.0) as u32;
    let mut state: Vec<u32> = primes[..8].iter().map(|&prime| fraction(f64::from(prime).sqrt())).collect();
    let constants: Vec<u32> = primes[..64].iter().map(|&prime| fraction(f64::from(prime).cbrt())).collect();
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])).collect();
        for index in 16..64 {
            let (early, late) = (words[index - 15], words[index - 2]);
            let first = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let second = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            words.push(
                words[index - 16].wrapping_add(first).wrapping_add(words[index - 7]).wrapping_add(second),
            );
        }
        let mut v = state.clone();
        for (word, constant) in words.iter().zip(&constants) {
            let mixed = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let chosen = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let one =
                v[7].wrapping_add(mixed).wrapping_add(chosen).wrapping_add(*constant).wrapping_add(*word);
            let mixed = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let two = mixed.wrapping_add((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(one);
            v[0] = one.wrapping_add(two);
        }
        state.iter_mut().zip(&v).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit =
                if place <= chunk.len() { ALPHABET[(word >> (18 - 6 * place) & 63) as usize] } else { b'=' };
            out.push(char::from(digit));
        }
    }
    out
}

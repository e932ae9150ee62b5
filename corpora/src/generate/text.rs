//! The texts that generated records are made of: templated messages, awkward unicode, random letters.

use std::fmt::Write;

use super::random::Random;

/// Messages of one kind each; `{..}` is filled in per row.
pub(crate) const TEMPLATES: [&str; 24] = [
    "request completed method={method} path={path} status={status} duration={ms}ms",
    "GET {path} HTTP/1.1 {status} {n} bytes from {ip}",
    "connection from {ip}:{port} accepted",
    "connection to {host}:{port} closed after {ms}ms",
    "cache miss for key user:{n}:profile",
    "cache hit for key session:{hex}",
    "order {hex} placed: {small} items, total {n} cents",
    "payment {hex} authorised in {ms}ms",
    "retrying call to {host}: attempt {small} of 5",
    "slow query ({ms}ms): SELECT * FROM events WHERE account_id = {n}",
    "checkpoint complete: wrote {n} buffers in {ms}ms",
    "consumer group rebalanced, generation {n}, {small} partitions assigned",
    "{\"event\":\"login\",\"user\":{n},\"ip\":\"{ip}\",\"ok\":true}",
    "liveness probe ok",
    "token for user {n} expires in {small} minutes",
    "uploaded segment {hex}.parquet ({n} rows)",
    "GC pause {ms}ms, heap {n} KiB",
    "scheduled job cleanup-{small} finished in {ms}ms",
    "failed to reach {host}:{port}: connection refused",
    "deadline exceeded after {ms}ms calling {host}",
    "panic recovered: index out of range [{n}] with length {small}",
    "circuit breaker for {host} opened after {small} failures",
    "validation failed: field \"quantity\" must be positive, got -{small}",
    "disk usage on /var/lib/data is {small}0%",
];

/// The templates from here on tell of failures.
pub(crate) const FIRST_FAILURE: usize = 18;

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const PATHS: [&str; 8] = [
    "/",
    "/health",
    "/api/v1/orders",
    "/api/v1/users",
    "/api/v1/cart",
    "/login",
    "/metrics",
    "/api/v2/search",
];
const STATUSES: [&str; 6] = ["200", "200", "200", "204", "404", "500"];
const HOSTS: [&str; 6] =
    ["cart", "checkout", "payments.internal", "postgres-0.db", "redis", "search.internal"];

/// Values in which careless code loses, cuts or changes something: fewer than three runes, combining marks, runes of
/// every UTF-8 length, right-to-left text, control characters, quotes and markup.
pub(crate) const AWKWARD: [&str; 40] = [
    "a",
    "ab",
    "abc",
    "é",
    "éà",
    "日",
    "日本",
    "日本語",
    "🧵",
    "🧵🧶",
    "🧵🧶🪡",
    " ",
    "  ",
    "\t",
    "\n",
    "a\nb",
    "a\r\nb",
    "nul\u{0}byte",
    "\u{feff}bom",
    "e\u{301}",
    "\u{301}",
    "👩\u{200d}👩\u{200d}👧",
    "שלום",
    "مرحبا بالعالم",
    "İstanbul",
    "straße",
    "ﬃ",
    "\u{10ffff}",
    "\u{fffd}",
    "<b>&amp;\"'",
    "a,b;\"c\"",
    "'; DROP TABLE logs;--",
    "\\u0041\\n",
    "null",
    "NULL",
    "0",
    "-0.0",
    "NaN",
    "Ελληνικά κείμενα",
    "ภาษาไทย",
];

/// Fills `template` into `out`.
pub(crate) fn fill(out: &mut String, template: &str, random: &mut Random) {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let tail = &rest[open + 1..];
        let name = tail.split('}').next().unwrap_or_default();
        if placeholder(out, name, random) {
            rest = tail.get(name.len() + 1..).unwrap_or_default();
        } else {
            // Not one of ours: a brace of the message itself.
            out.push('{');
            rest = tail;
        }
    }
    out.push_str(rest);
}

fn placeholder(out: &mut String, name: &str, random: &mut Random) -> bool {
    let number = match name {
        "method" => return pick(out, &METHODS, random),
        "path" => return pick(out, &PATHS, random),
        "status" => return pick(out, &STATUSES, random),
        "host" => return pick(out, &HOSTS, random),
        "hex" => {
            hex(out, 16, random);
            return true;
        }
        "ip" => {
            let parts = [10, 0, random.below(16), random.below(256)];
            push_joined(out, &parts, '.');
            return true;
        }
        "n" => random.below(1_000_000),
        "small" => 1 + random.below(9),
        "ms" => {
            // Two draws make short durations common and long ones possible.
            let reach = 1 + random.below(5_000);
            1 + random.below(reach)
        }
        "port" => 1024 + random.below(60_000),
        _ => return false,
    };
    push_joined(out, &[number], '.');
    true
}

fn pick(out: &mut String, of: &[&str], random: &mut Random) -> bool {
    out.push_str(of[random.index(of.len())]);
    true
}

/// Appends the numbers with `separator` between them.
fn push_joined(out: &mut String, numbers: &[u64], separator: char) {
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(separator);
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "{number}");
    }
}

/// Appends `length` hexadecimal digits.
pub(crate) fn hex(out: &mut String, length: usize, random: &mut Random) {
    for _ in 0..length.div_ceil(16) {
        let _ = write!(out, "{:016x}", random.next());
    }
    out.truncate(out.len() - (length.div_ceil(16) * 16 - length));
}

/// Appends `length` random letters, digits and spaces.
pub(crate) fn letters(out: &mut String, length: usize, random: &mut Random) {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _";
    let mut left = length;
    while left > 0 {
        let mut bits = random.next();
        for _ in 0..left.min(10) {
            out.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
        left -= left.min(10);
    }
}

/// Appends one to three awkward values.
pub(crate) fn awkward(out: &mut String, random: &mut Random) {
    let many = if random.chance(0.7) { 1 } else { 1 + random.below(3) };
    for _ in 0..many {
        out.push_str(AWKWARD[random.index(AWKWARD.len())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_and_braces_of_their_own_stay() {
        let mut random = Random::new(1, "c", 0, "p");
        for template in TEMPLATES {
            let mut out = String::new();
            fill(&mut out, template, &mut random);
            assert!(!out.contains("{n}") && !out.contains("{ms}") && !out.contains("{hex}"), "{out}");
        }
        let mut out = String::new();
        fill(&mut out, "{\"user\":{n}} {", &mut random);
        assert!(out.starts_with("{\"user\":") && out.ends_with("} {"), "{out}");
    }

    #[test]
    fn lengths_are_exact() {
        let mut random = Random::new(1, "c", 0, "p");
        for length in [0, 1, 9, 10, 11, 16, 17, 32, 1000] {
            let (mut digits, mut text) = (String::new(), String::new());
            hex(&mut digits, length, &mut random);
            letters(&mut text, length, &mut random);
            assert_eq!((digits.len(), text.len()), (length, length));
        }
    }
}

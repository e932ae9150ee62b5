//! What the pages of all documents share: style, script, the policy that allows exactly these, and small pieces ([`parts`]).

pub(crate) mod parts;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) const STYLE: &str = include_str!("style.css");
pub(crate) const SCRIPT: &str = include_str!("script.js");
/// Allows the one style sheet and the one script by their SHA-256 in Base64, and nothing else. A test compares
/// the digests with those of the files and prints the right ones where they differ.
pub(crate) const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-Dj3Mg4YzOcDNIDCLRtPDWIV9oLrbWLBhzIW6dzBigkE='; \
    script-src 'sha256-SlyLe7C329aQxXLl8Ocebzz5IyY3uxWFIF/3p4YUhb4='; \
    base-uri 'none'; form-action 'none'";

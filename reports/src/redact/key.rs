//! The secret that digests are made with.

/// The secret that digests are made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of 32 bytes; they must come from a source of randomness.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key in hexadecimal, for the file beside the raw document.
    #[must_use]
    pub fn hexadecimal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A key as [`Key::hexadecimal`] writes it; none where the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Names the key without telling it: which raw document belongs to which report.
    #[must_use]
    pub fn name(&self) -> String {
        blake3::hash(&self.0).to_hex().as_str().chars().take(12).collect()
    }

    /// What stands in the place of a text.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        format!("~{}", &self.long_digest(text)[..16])
    }

    /// All 64 hexadecimal digits.
    pub(super) fn long_digest(&self, text: &str) -> String {
        blake3::keyed_hash(&self.0, text.as_bytes()).to_hex().to_string()
    }
}

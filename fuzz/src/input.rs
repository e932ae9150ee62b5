//! Decisions read from a fuzzer's bytes. Where the bytes end, every decision is 0: a short input is a small change.

/// What is left of the bytes.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// From the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True where no decision is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let drawn = if end <= 256 { self.byte().into() } else { usize::from(self.short()) };
        // Files of more than 64 KiB are reached in steps.
        if end > 1 << 16 { (drawn * (end >> 16) + usize::from(self.byte())) % end } else { drawn % end }
    }

    /// A number of any size, edges before all.
    pub fn number(&mut self) -> i64 {
        const EDGES: [i64; 14] = [
            0,
            1,
            -1,
            2,
            127,
            128,
            255,
            i16::MAX as i64,
            u16::MAX as i64,
            i32::MAX as i64,
            i32::MIN as i64,
            u32::MAX as i64,
            i64::MAX,
            i64::MIN,
        ];
        match self.byte() {
            edge if usize::from(edge) < EDGES.len() => EDGES[usize::from(edge)],
            kind if kind < 128 => i64::from(self.short().cast_signed()),
            _ => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }
}

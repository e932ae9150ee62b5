//! The key of one comparison, and what is derived from it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::class::TypeClass;
use super::column::ColumnKey;
use super::field;
use super::fold::Fold;

/// The key of all hashes of one comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunKey([u8; 32]);

impl std::fmt::Debug for RunKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunKey")
    }
}

impl RunKey {
    /// A key that nobody can foresee: from the random state that the standard library gets from the operating system (128
    /// bits), the clock and a counter.
    #[must_use]
    pub fn random() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mut material = Vec::with_capacity(64);
        for _ in 0..4 {
            material.extend_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
        }
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        material.extend_from_slice(&clock.to_le_bytes());
        material.extend_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Self(blake3::derive_key("parallax 2026 key of one comparison", &material))
    }

    /// A fixed key, for replays and tests.
    #[must_use]
    pub fn fixed(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key in hexadecimal, for the report.
    #[must_use]
    pub fn hexadecimal(&self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }

    /// Random material for one purpose: BLAKE3 as a keyed stream.
    fn stream(&self, purpose: &[u8]) -> Stream {
        Stream(blake3::Hasher::new_keyed(&self.0).update(purpose).finalize_xof())
    }

    /// The key of a column's cells, from name and type class, both behind their lengths.
    pub(super) fn column(&self, name: &str, class: &TypeClass) -> ColumnKey {
        let class = class.to_string();
        let mut bytes = Vec::with_capacity(name.len() + class.len() + 17);
        bytes.push(b'c');
        bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&(class.len() as u64).to_le_bytes());
        bytes.extend_from_slice(class.as_bytes());
        ColumnKey::new(&mut self.stream(&bytes))
    }

    /// The key of a fold; `purpose` keeps hashes of different uses apart.
    pub(super) fn fold(&self, purpose: u8) -> Fold {
        Fold::new(&mut self.stream(&[b'f', purpose]))
    }

    /// The point at which the polynomials of multisets are evaluated.
    #[must_use]
    pub fn point(&self) -> u128 {
        field::reduced(self.stream(b"p").u128())
    }
}

/// What was derived for columns, shared by all hashers of a comparison.
#[derive(Debug)]
pub struct ColumnKeys {
    key: RunKey,
    columns: Mutex<HashMap<(String, TypeClass), Arc<ColumnKey>>>,
}

impl ColumnKeys {
    /// Nothing derived yet.
    #[must_use]
    pub fn new(key: RunKey) -> Self {
        Self { key, columns: Mutex::default() }
    }

    /// The key that all is derived from.
    #[must_use]
    pub fn key(&self) -> RunKey {
        self.key
    }

    pub(super) fn of(&self, name: &str, class: TypeClass) -> Arc<ColumnKey> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let column = (name.to_owned(), class);
        if let Some(known) = columns.get(&column) {
            return Arc::clone(known);
        }
        let derived = Arc::new(self.key.column(&column.0, &column.1));
        columns.insert(column, Arc::clone(&derived));
        derived
    }
}

/// A stream of random numbers.
pub(super) struct Stream(blake3::OutputReader);

impl Stream {
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }
}

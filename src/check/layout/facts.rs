//! What one column chunk is like, and what its values are.

use std::collections::BTreeSet;

use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;

use super::order::{Bound, Key, Rule};
use crate::output::pages::{Page, PageKind};
use crate::output::{Cell, Cells};

/// What the values of a page (or a chunk) are: what bounds and counts can be held against.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// Slots: values and nulls.
    pub(super) slots: u64,
    /// Slots without a value.
    pub(super) nulls: u64,
    /// Rows that begin here.
    pub(super) rows: u64,
    /// Lowest and highest value that has a place in the order.
    pub(super) lowest: Option<Bound>,
    pub(super) highest: Option<Bound>,
}

impl Seen {
    fn take(&mut self, key: Key<'_>) {
        let lower = self.lowest.as_ref().is_none_or(|it| key.order(it.key()).is_lt());
        let higher = self.highest.as_ref().is_none_or(|it| key.order(it.key()).is_gt());
        if lower || higher {
            let own = key.own();
            if lower {
                self.lowest = Some(own.clone());
            }
            if higher {
                self.highest = Some(own);
            }
        }
    }

    /// With what another stretch of the same chunk holds.
    pub(super) fn join(&mut self, other: &Self) {
        self.slots += other.slots;
        self.nulls += other.nulls;
        self.rows += other.rows;
        for bound in other.lowest.iter().chain(&other.highest) {
            self.take(bound.key());
        }
    }
}

/// Watches the slots of a chunk go by, page by page.
#[derive(Debug)]
pub(super) struct Watch {
    rule: Option<Rule>,
    bloom: Option<Sbbf>,
    /// Slots up to the end of each data page.
    ends: Vec<u64>,
    slot: u64,
    /// One a data page; slots beyond the last page's end are counted in it.
    pub(super) pages: Vec<Seen>,
    page: usize,
    /// Values that the bloom filter says are not there.
    pub(super) missed: u64,
}

impl Watch {
    /// For a chunk with these pages.
    pub(super) fn new(rule: Option<Rule>, bloom: Option<Sbbf>, pages: &[Page]) -> Self {
        let mut end = 0;
        let data = pages.iter().filter(|page| page.kind == PageKind::Data);
        let ends: Vec<u64> = data
            .map(|page| {
                end = page.slots.saturating_add(end);
                end
            })
            .collect();
        let pages = vec![Seen::default(); ends.len().max(1)];
        Self { rule, bloom, ends, slot: 0, pages, page: 0, missed: 0 }
    }

    fn next(&mut self, row: bool) -> &mut Seen {
        while self.page + 1 < self.pages.len()
            && self.ends.get(self.page).is_some_and(|&end| self.slot >= end)
        {
            self.page += 1;
        }
        self.slot += 1;
        let seen = &mut self.pages[self.page];
        seen.slots += 1;
        seen.rows += u64::from(row);
        seen
    }
}

impl Cells for Watch {
    fn null(&mut self, row: bool) {
        self.next(row).nulls += 1;
    }

    fn cell(&mut self, row: bool, cell: Cell<'_>) {
        let rule = self.rule;
        let seen = self.next(row);
        if let Some(key) = rule.and_then(|rule| rule.key(&cell)) {
            seen.take(key);
        }
        if let Some(bloom) = &self.bloom {
            let there = match cell {
                Cell::Boolean(it) => bloom.check(&it),
                Cell::Int32(it) => bloom.check(&it),
                Cell::Int64(it) => bloom.check(&it),
                Cell::Float(it) => bloom.check(&it),
                Cell::Double(it) => bloom.check(&it),
                Cell::Bytes(it) => bloom.check(it),
                Cell::Int96 => true,
            };
            self.missed += u64::from(!there);
        }
    }
}

/// How one chunk is laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Laid {
    pub(super) codec: String,
    pub(super) encodings: BTreeSet<String>,
    pub(super) dictionary: bool,
    /// A dictionary, and data pages that do not use it.
    pub(super) fallback: bool,
    pub(super) pages: u64,
    pub(super) largest_page: u64,
    pub(super) checksums: u64,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
    pub(super) statistics: bool,
    pub(super) page_index: bool,
    pub(super) bloom: bool,
    /// Whether readers have its bounds, and its null count, from the footer; absent where it cannot have them.
    pub(super) bounds: Option<bool>,
    pub(super) null_count: Option<bool>,
    /// Bounds are there that readers ignore: the footer does not state the order of the column.
    pub(super) orderless: bool,
}

impl Laid {
    /// What the page headers say.
    pub(super) fn of(pages: &[Page]) -> Self {
        let mut laid = Self::default();
        let mut plain = false;
        for page in pages {
            laid.checksums += u64::from(page.checksum);
            match page.kind {
                PageKind::Dictionary => laid.dictionary = true,
                PageKind::Data => {
                    laid.pages += 1;
                    laid.largest_page = laid.largest_page.max(page.bytes);
                    let coded =
                        matches!(page.encoding, Some(Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY));
                    plain |= !coded;
                    // The two names of one thing: the older one marks version 1 of the format.
                    let name = if coded {
                        "DICTIONARY".to_owned()
                    } else {
                        page.encoding.map_or_else(|| "unknown".to_owned(), |it| it.to_string())
                    };
                    laid.encodings.insert(name);
                }
                PageKind::Other => {}
            }
        }
        laid.fallback = laid.dictionary && plain;
        laid
    }
}

//! What one column chunk is like, and what its values are.

use std::collections::BTreeSet;

use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::order::{Bound, Key, Rule, SHOWN};
use crate::output::pages::{Page, PageKind};
use crate::output::{Cell, Cells};

/// What the values of a page (or a chunk) are: what bounds and counts can be held against.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// Slots: values and nulls.
    pub(super) slots: u64,
    /// Slots without a value.
    pub(super) nulls: u64,
    /// Those of them where everything around the value is there: no list around it is empty or null.
    pub(super) leaf_nulls: u64,
    /// Rows that begin here.
    pub(super) rows: u64,
    /// Lowest and highest value that has a place in the order.
    pub(super) lowest: Option<Bound>,
    pub(super) highest: Option<Bound>,
}

/// Bytes of the lowest and highest values that are kept: as many as the bounds have that are stated of them. So a value is compared
/// exactly with each bound, and what is kept takes no more memory than what is stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Of the whole chunk.
    chunk: usize,
    /// Of each data page.
    pages: Vec<usize>,
}

impl Kept {
    /// By the bounds in the footer, in the page headers and in the column index.
    pub(super) fn of(
        metadata: &ColumnChunkMetaData,
        headers: &[Page],
        index: Option<&ColumnIndexMetaData>,
    ) -> Self {
        let longest = |low: Option<&[u8]>, high: Option<&[u8]>| {
            let length = |bound: Option<&[u8]>| bound.map_or(0, <[u8]>::len);
            length(low).max(length(high)).max(SHOWN)
        };
        let chunk = metadata.statistics().map_or(SHOWN, |it| longest(it.min_bytes_opt(), it.max_bytes_opt()));
        let data = headers.iter().filter(|page| page.kind == PageKind::Data);
        let mut pages: Vec<usize> = data
            .map(|page| {
                page.statistics
                    .as_ref()
                    .map_or(SHOWN, |it| longest(it.lowest.as_deref(), it.highest.as_deref()))
            })
            .collect();
        if let Some(
            ColumnIndexMetaData::BYTE_ARRAY(index) | ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(index),
        ) = index
        {
            let stated = usize::try_from(index.num_pages()).unwrap_or(0);
            for (number, kept) in pages.iter_mut().enumerate().take(stated) {
                *kept = longest(index.min_value(number), index.max_value(number)).max(*kept);
            }
        }
        Self { chunk, pages }
    }

    fn page(&self, page: usize) -> usize {
        self.pages.get(page).copied().unwrap_or(SHOWN)
    }
}

impl Seen {
    /// Takes a value, of which `most` bytes are kept.
    fn take(&mut self, key: Key<'_>, most: usize) {
        let lower = self.lowest.as_ref().is_none_or(|it| key.order(it.key()).is_lt());
        let higher = self.highest.as_ref().is_none_or(|it| key.order(it.key()).is_gt());
        if lower || higher {
            let own = key.own(most);
            if lower {
                self.lowest = Some(own.clone());
            }
            if higher {
                self.highest = Some(own);
            }
        }
    }

    /// With what another stretch of the same chunk holds.
    fn join(&mut self, other: &Self, most: usize) {
        self.slots += other.slots;
        self.nulls += other.nulls;
        self.leaf_nulls += other.leaf_nulls;
        self.rows += other.rows;
        for bound in other.lowest.iter().chain(&other.highest) {
            self.take(bound.key(), most);
        }
    }

    fn cut(&mut self, most: usize) {
        self.lowest.iter_mut().chain(&mut self.highest).for_each(|bound| bound.cut(most));
    }
}

/// Watches the slots of a chunk go by, page by page.
#[derive(Debug)]
pub(super) struct Watch {
    rule: Option<Rule>,
    bloom: Option<Sbbf>,
    /// Definition level of a null of the leaf itself; absent where the leaf is required.
    leaf_null: Option<i16>,
    /// Slots up to the end of each data page.
    ends: Vec<u64>,
    slot: u64,
    /// One a data page; slots beyond the last page's end are counted in it.
    pages: Vec<Seen>,
    page: usize,
    /// The pages before the present one together.
    whole: Seen,
    kept: Kept,
    /// Values that the bloom filter says are not there.
    pub(super) missed: u64,
}

impl Watch {
    /// For a chunk with these pages.
    pub(super) fn new(
        rule: Option<Rule>,
        bloom: Option<Sbbf>,
        leaf_null: Option<i16>,
        pages: &[Page],
        kept: Kept,
    ) -> Self {
        let mut end = 0;
        let data = pages.iter().filter(|page| page.kind == PageKind::Data);
        let ends: Vec<u64> = data
            .map(|page| {
                end = page.slots.saturating_add(end);
                end
            })
            .collect();
        let pages = vec![Seen::default(); ends.len().max(1)];
        let whole = Seen::default();
        Self { rule, bloom, leaf_null, ends, slot: 0, pages, page: 0, whole, kept, missed: 0 }
    }

    /// What was seen of the whole chunk and of each page, when its last slot has gone by.
    pub(super) fn finish(mut self) -> (Seen, Vec<Seen>) {
        self.close_page();
        (self.whole, self.pages)
    }

    /// Adds the present page to the whole, and keeps of it what its own bounds are compared with.
    fn close_page(&mut self) {
        if let Some(page) = self.pages.get_mut(self.page) {
            self.whole.join(page, self.kept.chunk);
            page.cut(self.kept.page(self.page));
        }
    }

    fn next(&mut self, row: bool) -> &mut Seen {
        while self.page + 1 < self.pages.len()
            && self.ends.get(self.page).is_some_and(|&end| self.slot >= end)
        {
            self.close_page();
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
    fn null(&mut self, row: bool, level: i16) {
        let leaf = self.leaf_null == Some(level);
        let seen = self.next(row);
        seen.nulls += 1;
        seen.leaf_nulls += u64::from(leaf);
    }

    fn cell(&mut self, row: bool, cell: Cell<'_>) {
        let rule = self.rule;
        self.next(row);
        let most = self.kept.chunk.max(self.kept.page(self.page));
        if let Some(key) = rule.and_then(|rule| rule.key(&cell)) {
            self.pages[self.page].take(key, most);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(slots: u64) -> Page {
        Page {
            kind: PageKind::Data,
            offset: 0,
            header: 0,
            bytes: 0,
            uncompressed: 0,
            slots,
            encoding: None,
            checksum: false,
            statistics: None,
        }
    }

    /// Bytes of the bounds that are held.
    fn held(seen: &[&Seen]) -> usize {
        let bounds = seen.iter().flat_map(|it| it.lowest.iter().chain(&it.highest));
        bounds.map(|bound| if let Bound::Bytes(kept, _) = bound { kept.len() } else { 0 }).sum()
    }

    #[test]
    fn of_long_values_as_much_is_kept_as_is_stated_of_them() {
        let pages: Vec<Page> = (0..20).map(|_| page(2)).collect();
        let kept = Kept { chunk: 1_000, pages: (0..20).map(|number| 100 + number).collect() };
        let mut watch = Watch::new(Some(Rule::Bytes), None, None, &pages, kept);
        for number in 0..40_u32 {
            let value = vec![(number * 37 % 40) as u8; 1_000_000];
            watch.cell(true, Cell::Bytes(&value));
            let seen: Vec<&Seen> = watch.pages.iter().chain([&watch.whole]).collect();
            assert!(held(&seen) <= 2 * (1_000 + 1_000 + 20 * 120), "{} bytes", held(&seen));
        }
        let (whole, pages) = watch.finish();
        assert_eq!((whole.slots, whole.rows), (40, 40));
        assert_eq!(whole.lowest, Some(Bound::Bytes(vec![0; 1_000].into(), 1_000_000)));
        assert_eq!(whole.highest, Some(Bound::Bytes(vec![39; 1_000].into(), 1_000_000)));
        assert_eq!(pages[19].lowest, Some(Bound::Bytes(vec![3; 119].into(), 1_000_000)));
        assert_eq!(pages[19].highest, Some(Bound::Bytes(vec![6; 119].into(), 1_000_000)));
    }
}

//! Is what footer, indexes and page headers state of one column chunk true of its values?
//!
//! *True* is what a reader may rely on: no value lies outside the stated bounds, counts are exact, a page is where the index
//! says, and a filter denies no value that is there. Bounds may be cut short (text of 64 bytes), but only outwards; a bound
//! that says of itself that it is exact must be. Bounds that hold but are never reached are told, they mislead no reader.
//!
//! Not judged: distinct counts, level histograms, unencoded sizes, bounds in an order that the format leaves undefined.

use parquet::basic::BoundaryOrder;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::statistics::Statistics;

use super::facts::Seen;
use super::order::{Key, Rule};
use crate::output::pages::{Page, PageKind};

/// Codes of findings.
pub(super) const STATISTICS: &str = "layout.statistics_false";
pub(super) const LOOSE: &str = "layout.statistics_loose";
pub(super) const PAGE_STATISTICS: &str = "layout.page_statistics_false";
pub(super) const PAGE_INDEX: &str = "layout.page_index_false";
pub(super) const COUNTS: &str = "layout.counts_false";
pub(super) const NESTED_NULLS: &str = "layout.null_count_nested";
pub(super) const CHUNK_SIZE: &str = "layout.chunk_size_false";
pub(super) const BLOOM: &str = "layout.bloom_filter_false";

/// One statement that is not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lie {
    pub(super) code: &'static str,
    /// What is stated and what is there; a fragment that goes on after the place.
    pub(super) said: String,
    /// First row of the page within the row group, where it is about a page.
    pub(super) row: Option<u64>,
}

impl Lie {
    pub(super) fn of_chunk(code: &'static str, said: String) -> Self {
        Self { code, said, row: None }
    }
}

/// Everything there is to know of a chunk.
pub(super) struct Chunk<'a> {
    pub(super) metadata: &'a ColumnChunkMetaData,
    pub(super) rule: Option<Rule>,
    /// Rows of the row group by its footer.
    pub(super) rows: u64,
    pub(super) headers: &'a [Page],
    /// What the chunk holds, and what each of its data pages holds, in order.
    pub(super) whole: &'a Seen,
    pub(super) pages: &'a [Seen],
    pub(super) column_index: Option<&'a ColumnIndexMetaData>,
    pub(super) offset_index: Option<&'a OffsetIndexMetaData>,
    /// Values that the bloom filter denies.
    pub(super) missed: u64,
}

impl Chunk<'_> {
    /// All statements that are not true.
    pub(super) fn lies(&self) -> Vec<Lie> {
        let mut lies = Vec::new();
        self.counts(self.whole, &mut lies);
        lies.extend(self.size());
        if let Some(statistics) = self.metadata.statistics() {
            self.statistics(statistics, self.whole, &mut lies);
        }
        self.headers(&mut lies);
        if let Some(index) = self.offset_index {
            self.places(index, &mut lies);
        }
        if let Some(index) = self.column_index {
            self.column_index(index, &mut lies);
        }
        if self.missed > 0 {
            let said = format!("the bloom filter denies {} of the values that are there", self.missed);
            lies.push(Lie::of_chunk(BLOOM, said));
        }
        lies
    }

    fn counts(&self, whole: &Seen, lies: &mut Vec<Lie>) {
        let stated = self.metadata.num_values();
        if u64::try_from(stated) != Ok(whole.slots) {
            let said = format!("the footer says {stated} values with nulls, there are {}", whole.slots);
            lies.push(Lie::of_chunk(COUNTS, said));
        }
        let headers = self.data().fold(0_u64, |sum, page| sum.saturating_add(page.slots));
        if headers != whole.slots {
            let said = format!("the page headers say {headers} values with nulls, there are {}", whole.slots);
            lies.push(Lie::of_chunk(COUNTS, said));
        }
        if whole.rows != self.rows {
            let said = format!("the footer says {} rows, there are {}", self.rows, whole.rows);
            lies.push(Lie::of_chunk(COUNTS, said));
        }
    }

    /// A chunk that ends within its last page. Bytes behind that page are padding, which no reader looks at.
    fn size(&self) -> Option<Lie> {
        let (first, last) = (self.headers.first()?, self.headers.last()?);
        let there = last.offset.saturating_add(last.bytes) - first.offset;
        let stated = self.metadata.compressed_size();
        u64::try_from(stated).is_ok_and(|stated| stated < there).then(|| {
            let said = format!(
                "the footer says {stated} bytes, its pages take {there}: without the header of the dictionary, as parquet-mr wrote \
                 before 1.2.9; other readers end within the last page"
            );
            Lie::of_chunk(CHUNK_SIZE, said)
        })
    }

    /// The statement `who` of a number of nulls, where it is not that of the slots without a value. Within lists, writers count
    /// differently whether an empty or missing list is a null; a number in between misleads no reader.
    fn nulls(&self, code: &'static str, who: &str, stated: u64, seen: &Seen) -> Option<Lie> {
        if stated == seen.nulls {
            return None;
        }
        let repeats = self.metadata.column_descr().max_rep_level() > 0;
        Some(if repeats && (seen.leaf_nulls..seen.nulls).contains(&stated) {
            let said = format!(
                "{who} says {stated} nulls; {} slots have no value, {} of them are nulls within a list that has elements: the writer does not \
                 count every empty or missing list as a null, and no reader relies on that",
                seen.nulls, seen.leaf_nulls
            );
            Lie::of_chunk(NESTED_NULLS, said)
        } else {
            Lie::of_chunk(code, format!("{who} says {stated} nulls, there are {}", seen.nulls))
        })
    }

    fn data(&self) -> impl Iterator<Item = &Page> {
        self.headers.iter().filter(|page| page.kind == PageKind::Data)
    }

    fn statistics(&self, stated: &Statistics, whole: &Seen, lies: &mut Vec<Lie>) {
        lies.extend(stated.null_count_opt().and_then(|it| self.nulls(STATISTICS, "the footer", it, whole)));
        // Bounds of the old fields have no defined order but the signed one: readers leave the others alone.
        let Some(rule) = self.rule.filter(|rule| {
            !stated.is_min_max_deprecated()
                || matches!(rule, Rule::Signed(_) | Rule::Float(_) | Rule::Boolean)
        }) else {
            return;
        };
        for (lower, bytes, exact) in [
            (true, stated.min_bytes_opt(), stated.min_is_exact()),
            (false, stated.max_bytes_opt(), stated.max_is_exact()),
        ] {
            let Some(bound) = bytes.and_then(|bytes| rule.decode(bytes)) else { continue };
            match hold(lower, bound, whole) {
                Held::Broken(said) => lies.push(Lie::of_chunk(STATISTICS, format!("the footer's {said}"))),
                Held::Unreached(said) if exact && matches!(rule, Rule::Bytes) => {
                    let said = format!("the footer's {said}, and says of itself that it is exact");
                    lies.push(Lie::of_chunk(STATISTICS, said));
                }
                Held::Unreached(said) if !matches!(rule, Rule::Bytes) => {
                    lies.push(Lie::of_chunk(LOOSE, format!("the footer's {said}")));
                }
                Held::Unreached(_) | Held::Reached => {}
            }
        }
    }

    /// Statistics in page headers.
    fn headers(&self, lies: &mut Vec<Lie>) {
        let mut row = 0;
        for (number, (page, seen)) in self.data().zip(self.pages).enumerate() {
            if let Some(stated) = &page.statistics {
                let nulls = stated.nulls.map(|it| u64::try_from(it).unwrap_or(u64::MAX));
                let who = format!("the header of page {number}");
                let wrong = nulls.and_then(|it| self.nulls(PAGE_STATISTICS, &who, it, seen));
                lies.extend(wrong.map(|lie| Lie { row: Some(row), ..lie }));
                let mut lie = |said: String| {
                    let said = format!("the header of page {number}: {said}");
                    lies.push(Lie { code: PAGE_STATISTICS, said, row: Some(row) });
                };
                for (lower, bytes) in [(true, &stated.lowest), (false, &stated.highest)] {
                    let bound = bytes.as_ref().and_then(|bytes| self.rule?.decode(bytes));
                    if let Some(Held::Broken(said)) = bound.map(|bound| hold(lower, bound, seen)) {
                        lie(said);
                    }
                }
            }
            row += seen.rows;
        }
    }

    /// The offset index against the pages themselves.
    fn places(&self, index: &OffsetIndexMetaData, lies: &mut Vec<Lie>) {
        let stated = index.page_locations();
        let pages: Vec<&Page> = self.data().collect();
        if stated.len() != pages.len() {
            let said = format!("the offset index has {} pages, there are {}", stated.len(), pages.len());
            lies.push(Lie::of_chunk(PAGE_INDEX, said));
            return;
        }
        let mut row = 0;
        for (number, ((stated, page), seen)) in stated.iter().zip(pages).zip(self.pages).enumerate() {
            for (what, stated, there) in [
                ("offset", stated.offset, page.offset),
                ("size", i64::from(stated.compressed_page_size), page.bytes),
                ("first row", stated.first_row_index, row),
            ] {
                if u64::try_from(stated) != Ok(there) {
                    let said =
                        format!("the offset index gives page {number} the {what} {stated}, it has {there}");
                    lies.push(Lie { code: PAGE_INDEX, said, row: Some(row) });
                }
            }
            row += seen.rows;
        }
    }

    /// The column index against what the pages hold.
    fn column_index(&self, index: &ColumnIndexMetaData, lies: &mut Vec<Lie>) {
        if matches!(index, ColumnIndexMetaData::NONE) {
            return;
        }
        if index.num_pages() != self.pages.len() as u64 {
            let said =
                format!("the column index has {} pages, there are {}", index.num_pages(), self.pages.len());
            lies.push(Lie::of_chunk(PAGE_INDEX, said));
            return;
        }
        let mut row = 0;
        let mut bounds = Vec::new();
        for (number, seen) in self.pages.iter().enumerate() {
            let nulls = index.null_count(number).map(|it| u64::try_from(it).unwrap_or(u64::MAX));
            let who = format!("the column index, page {number}");
            let wrong = nulls.and_then(|it| self.nulls(PAGE_STATISTICS, &who, it, seen));
            lies.extend(wrong.map(|lie| Lie { row: Some(row), ..lie }));
            let mut lie = |said: String| {
                let said = format!("the column index, page {number}: {said}");
                lies.push(Lie { code: PAGE_STATISTICS, said, row: Some(row) });
            };
            let empty = seen.nulls == seen.slots;
            if index.is_null_page(number) != empty {
                let (stated, there) =
                    if empty { ("values", "nulls alone") } else { ("nulls alone", "values") };
                lie(format!("{stated} stated, it holds {there}"));
            }
            if !index.is_null_page(number)
                && let Some((low, high)) = self.rule.and_then(|rule| pair(index, number, rule))
            {
                for (lower, bound) in [(true, low), (false, high)] {
                    if let Held::Broken(said) = hold(lower, bound, seen) {
                        lie(said);
                    }
                }
                bounds.push((low, high));
            }
            row += seen.rows;
        }
        let order = index.get_boundary_order();
        let sorted = |wrong: fn(std::cmp::Ordering) -> bool| {
            bounds.windows(2).all(|two| !wrong(two[0].0.order(two[1].0)) && !wrong(two[0].1.order(two[1].1)))
        };
        let (kept, name) = match order {
            Some(BoundaryOrder::ASCENDING) => (sorted(std::cmp::Ordering::is_gt), "ascending"),
            Some(BoundaryOrder::DESCENDING) => (sorted(std::cmp::Ordering::is_lt), "descending"),
            _ => return,
        };
        if !kept {
            let said = format!("the column index calls the pages {name} by their bounds, they are not");
            lies.push(Lie::of_chunk(PAGE_INDEX, said));
        }
    }
}

/// What became of a bound.
enum Held {
    /// A value lies outside.
    Broken(String),
    /// All values lie inside, none at the bound.
    Unreached(String),
    /// The bound is a value; or there are no values.
    Reached,
}

fn hold(lower: bool, bound: Key<'_>, seen: &Seen) -> Held {
    let there = if lower { &seen.lowest } else { &seen.highest };
    let Some(there) = there else { return Held::Reached };
    let order = bound.order(there.key());
    if order.is_eq() {
        return Held::Reached;
    }
    let name = if lower { "lowest" } else { "highest" };
    let said = format!("{name} value {} is stated, it is {}", bound.text(), there.key().text());
    if order.is_gt() == lower { Held::Broken(said) } else { Held::Unreached(said) }
}

/// Both bounds of a page in the column index.
fn pair(index: &ColumnIndexMetaData, page: usize, rule: Rule) -> Option<(Key<'_>, Key<'_>)> {
    let number = |bytes: &[u8]| rule.decode(bytes)?.number();
    macro_rules! plain {
        ($index:expr) => {
            (number(&$index.min_value(page)?.to_le_bytes())?, number(&$index.max_value(page)?.to_le_bytes())?)
        };
    }
    Some(match index {
        ColumnIndexMetaData::NONE | ColumnIndexMetaData::INT96(_) => return None,
        ColumnIndexMetaData::BOOLEAN(it) => {
            (number(&[u8::from(*it.min_value(page)?)])?, number(&[u8::from(*it.max_value(page)?)])?)
        }
        ColumnIndexMetaData::INT32(it) => plain!(it),
        ColumnIndexMetaData::INT64(it) => plain!(it),
        ColumnIndexMetaData::FLOAT(it) => plain!(it),
        ColumnIndexMetaData::DOUBLE(it) => plain!(it),
        ColumnIndexMetaData::BYTE_ARRAY(it) | ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(it) => {
            (rule.decode(it.min_value(page)?)?, rule.decode(it.max_value(page)?)?)
        }
    })
}

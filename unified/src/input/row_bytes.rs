//! What the rows of repeated columns come to, by their repetition levels: one row of a list may be as large as all others.
//!
//! Sums are kept for windows of rows, so that memory does not depend on how many rows there are.

use crate::input::thrift::Thrift;

/// Windows that are kept at most.
const WINDOWS: u64 = 1 << 16;

/// Bytes of the rows of a row group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RowBytes {
    /// Rows that there should be.
    rows: u64,
    /// Rows of a window.
    window: u64,
    windows: Vec<u64>,
    /// The row that is open, from 0, and its bytes so far.
    open: Option<(u64, u64)>,
    /// The largest row and its bytes.
    pub(crate) largest: (u64, u64),
}

impl RowBytes {
    /// Of so many rows.
    pub(crate) fn new(rows: u64) -> Self {
        let window = rows.div_ceil(WINDOWS).max(1).next_power_of_two();
        Self { rows, window, ..Self::default() }
    }

    /// Takes in the repetition levels of a page, each of whose slots comes to so many bytes: `levels` are in Parquet's hybrid of
    /// runs and packed bits.
    ///
    /// # Errors
    /// Levels that end early or begin too many rows, as a fragment.
    pub(crate) fn add_levels(
        &mut self,
        levels: &[u8],
        width: u32,
        slots: u64,
        slot_bytes: u64,
    ) -> Result<(), String> {
        let mut thrift = Thrift::new(levels);
        let mut left = slots;
        while left > 0 {
            let head = thrift.varint()?;
            if head & 1 == 0 {
                let value = (0..width.div_ceil(8))
                    .try_fold(0, |value, _| Ok::<u8, String>(value | thrift.byte()?))?;
                let run = (head >> 1).min(left);
                if run == 0 {
                    return Err("its levels hold a run of none".to_owned());
                }
                self.add(value == 0, run, slot_bytes)?;
                left -= run;
                continue;
            }
            let packed = (head >> 1).saturating_mul(8);
            if packed == 0 {
                return Err("its levels hold a run of none".to_owned());
            }
            let from = thrift.position();
            // The last group may be cut off behind its last value.
            let bytes = (head >> 1).saturating_mul(u64::from(width)).min((levels.len() - from) as u64);
            thrift.skip(bytes)?;
            let taken = packed.min(left);
            if taken.saturating_mul(u64::from(width)).div_ceil(8) > bytes {
                return Err("its levels end early".to_owned());
            }
            let bits = &levels[from..thrift.position()];
            for index in 0..taken {
                let first = index as usize * width as usize;
                let zero = (first..first + width as usize).all(|bit| bits[bit / 8] & 1 << (bit % 8) == 0);
                self.add(zero, 1, slot_bytes)?;
            }
            left -= taken;
        }
        Ok(())
    }

    /// A page whose levels are not looked at: all of it may belong to one row.
    pub(crate) fn add_unknown(&mut self, slots: u64, slot_bytes: u64) {
        let (_, bytes) = self.open.get_or_insert((0, 0));
        *bytes = bytes.saturating_add(slots.saturating_mul(slot_bytes));
    }

    fn add(&mut self, first_of_row: bool, slots: u64, slot_bytes: u64) -> Result<(), String> {
        if first_of_row {
            self.end();
            // All but the last are rows of one slot.
            let (row, _) = self.open.unwrap_or_default();
            let whole = slots - 1;
            if row.saturating_add(whole) >= self.rows {
                return Err(format!("its levels begin more rows than the {} of its row group", self.rows));
            }
            let mut at = row;
            while at < row + whole {
                let next = (at / self.window + 1).saturating_mul(self.window).min(row + whole);
                self.note(at, (next - at).saturating_mul(slot_bytes), slot_bytes);
                at = next;
            }
            self.open = Some((row + whole, slot_bytes));
            return Ok(());
        }
        self.add_unknown(slots, slot_bytes);
        Ok(())
    }

    /// Ends the open row; the next one is open.
    fn end(&mut self) {
        let next = match self.open {
            Some((row, bytes)) => {
                self.note(row, bytes, bytes);
                row + 1
            }
            None => 0,
        };
        self.open = Some((next, 0));
    }

    fn note(&mut self, row: u64, bytes: u64, largest: u64) {
        if largest > self.largest.1 {
            self.largest = (row, largest);
        }
        let at = usize::try_from(row / self.window).unwrap_or(usize::MAX);
        if at >= self.windows.len() {
            self.windows.resize(at + 1, 0);
        }
        if let Some(window) = self.windows.get_mut(at) {
            *window = window.saturating_add(bytes);
        }
    }

    /// All rows are in.
    pub(crate) fn finish(mut self) -> Self {
        if let Some((row, bytes)) = self.open.take() {
            self.note(row, bytes, bytes);
        }
        self
    }

    /// Adds those of another column of the same rows. The largest rows are taken for one.
    pub(crate) fn beside(&mut self, other: &Self) {
        if self.windows.len() < other.windows.len() {
            self.windows.resize(other.windows.len(), 0);
        }
        for (own, others) in self.windows.iter_mut().zip(&other.windows) {
            *own = own.saturating_add(*others);
        }
        let row = if other.largest.1 > self.largest.1 { other.largest.0 } else { self.largest.0 };
        self.largest = (row, self.largest.1.saturating_add(other.largest.1));
    }

    /// Rows of a batch, at most `most`, so that no batch has `bytes` more than the largest row.
    pub(crate) fn batch_rows(&self, most: u64, bytes: u64) -> u64 {
        let allowed = self.largest.1.saturating_add(bytes);
        let mut windows = most.div_ceil(self.window).max(1).next_power_of_two();
        loop {
            let fits =
                |some: &[u64]| some.iter().fold(0, |sum: u64, one| sum.saturating_add(*one)) <= allowed;
            if self.windows.chunks(usize::try_from(windows).unwrap_or(usize::MAX)).all(fits) {
                return most.min(windows.saturating_mul(self.window));
            }
            if windows == 1 {
                // Within a window nothing is known of single rows.
                return most.min(bytes / self.largest.1.max(1)).max(1);
            }
            windows /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::hybrid;

    fn rows_of(lengths: &[u32], slot_bytes: u64) -> RowBytes {
        let levels: Vec<u32> =
            lengths.iter().flat_map(|length| (0..*length).map(|slot| u32::from(slot > 0))).collect();
        let mut rows = RowBytes::new(lengths.len() as u64);
        // Pages end where they like.
        for page in levels.chunks(1000) {
            let mut bytes = Vec::new();
            hybrid::encode(page, 1, &mut bytes);
            rows.add_levels(&bytes, 1, page.len() as u64, slot_bytes).unwrap();
        }
        rows.finish()
    }

    #[test]
    fn rows_are_as_large_as_their_slots_wherever_pages_and_runs_end() {
        let lengths: Vec<u32> = (0..300).map(|row| if row == 170 { 5000 } else { 1 + row % 7 }).collect();
        let rows = rows_of(&lengths, 10);
        assert_eq!(rows.window, 1);
        assert_eq!(rows.windows, lengths.iter().map(|length| u64::from(*length) * 10).collect::<Vec<_>>());
        assert_eq!(rows.largest, (170, 50_000));
        assert_eq!(rows_of(&[1; 3000], 4).windows, [4; 3000]);
    }

    #[test]
    fn a_batch_has_few_rows_only_where_rows_are_large_together() {
        let mut lengths = vec![3; 20_000];
        lengths[7_000] = 1_000_000;
        // One large row among small ones: what comes with it is little.
        assert_eq!(rows_of(&lengths, 8).batch_rows(8192, 1 << 20), 8192);
        // Large rows that lie together.
        lengths[7_000..7_100].fill(100_000);
        let rows = rows_of(&lengths, 8).batch_rows(8192, 1 << 20);
        assert!((1..=2).contains(&rows), "{rows}");
        let mut wide = rows_of(&[1; 100], 1000);
        wide.beside(&rows_of(&[2; 100], 1000));
        assert_eq!((wide.windows[0], wide.largest.1), (3000, 3000));
        assert_eq!(wide.batch_rows(8192, 9000), 4);
    }

    #[test]
    fn windows_keep_memory_bounded_however_many_rows_there_are() {
        let mut rows = RowBytes::new(1 << 40);
        rows.add(true, 1 << 40, 1).unwrap();
        let rows = rows.finish();
        assert_eq!((rows.window, rows.windows.len()), (1 << 24, 1 << 16));
        assert_eq!(rows.windows.iter().sum::<u64>(), 1 << 40);
        assert!(RowBytes::new(1).add(true, 1 << 40, 1).unwrap_err().contains("more rows than the 1"));
    }

    #[test]
    fn levels_that_end_early_or_go_on_without_end_are_refused() {
        let add = |bytes: &[u8]| RowBytes::new(9).add_levels(bytes, 1, 9, 1).unwrap_err();
        assert!(add(&[]).contains("ends early"));
        assert!(add(&[0x00, 0x00]).contains("a run of none"));
        assert!(add(&[0x01]).contains("a run of none"));
        assert!(add(&[0x05, 0xff]).contains("end early"));
    }
}

//! Delta debugging: the smallest part of a sequence that still does what the whole does.
//!
//! After A. Zeller and R. Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, IEEE TSE 28 (2002), algorithm ddmin:
//!
//! 1. The sequence is cut into parts, two at first. Where one part alone still does it, go on with that part.
//! 2. Else parts are left out, one after the other; whatever can be left out is.
//! 3. Where nothing could be left out, cut twice as fine; where parts are single elements, nothing more can be left out.
//!
//! For one element that matters among n this takes about 2 log2 n trials; at worst n squared. The result is 1-minimal: taking
//! away any single element makes it stop.

use std::ops::Range;

use crate::error::Result;

/// Something that can be made smaller by keeping stretches of it.
pub(super) trait Shrinks {
    /// Elements left.
    ///
    /// # Errors
    /// Where they cannot be counted.
    fn len(&self) -> Result<u64>;
    /// Tries to keep these stretches alone, ascending and apart. True where the rest is gone for good.
    ///
    /// # Errors
    /// Where the trial could not be made.
    fn keep(&mut self, stretches: &[Range<u64>]) -> Result<bool>;
    /// True where no more trials may be made.
    fn spent(&self) -> bool;
}

/// Makes `whole` as small as it gets.
///
/// # Errors
/// As [`Shrinks::keep`].
pub(super) fn shrink(whole: &mut impl Shrinks) -> Result<()> {
    let mut parts = 2;
    while whole.len()? > 1 && !whole.spent() {
        parts = parts.min(whole.len()?);
        if one_part(whole, parts)? {
            parts = 2;
            continue;
        }
        let before = whole.len()?;
        without_parts(whole, &mut parts)?;
        if whole.len()? == before {
            if parts >= before {
                return Ok(());
            }
            parts *= 2;
        }
        parts = parts.max(2);
    }
    Ok(())
}

/// Keeps the first part that suffices alone.
fn one_part(whole: &mut impl Shrinks, parts: u64) -> Result<bool> {
    // With many parts this is hopeless more often than not: what is left needs several of them.
    if parts > 8 {
        return Ok(false);
    }
    for part in 0..parts {
        let stretch = cut(whole.len()?, parts, part);
        if whole.spent() {
            return Ok(false);
        }
        if whole.keep(&[stretch])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leaves out each part that can be left out.
fn without_parts(whole: &mut impl Shrinks, parts: &mut u64) -> Result<()> {
    // With two parts, leaving one out is keeping the other, which was tried.
    if *parts == 2 {
        return Ok(());
    }
    // From the end, so that the parts in front stay where they are when one goes.
    let len = whole.len()?;
    let bounds: Vec<Range<u64>> = (0..*parts).map(|part| cut(len, *parts, part)).collect();
    for stretch in bounds.iter().rev() {
        let len = whole.len()?;
        if whole.spent() || len <= 1 {
            return Ok(());
        }
        let kept: Vec<Range<u64>> =
            [0..stretch.start, stretch.end..len].into_iter().filter(|it| !it.is_empty()).collect();
        if !kept.is_empty() && whole.keep(&kept)? {
            *parts -= 1;
        }
    }
    Ok(())
}

/// Part number `part` of `parts` even ones.
fn cut(len: u64, parts: u64, part: u64) -> Range<u64> {
    let at = |part: u64| u64::try_from(u128::from(len) * u128::from(part) / u128::from(parts)).unwrap_or(len);
    at(part)..at(part + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers {
        left: Vec<u64>,
        wanted: Vec<u64>,
        trials: u64,
    }

    impl Shrinks for Numbers {
        fn len(&self) -> Result<u64> {
            Ok(self.left.len() as u64)
        }

        fn keep(&mut self, stretches: &[Range<u64>]) -> Result<bool> {
            self.trials += 1;
            let at = |it: u64| usize::try_from(it).unwrap();
            let kept: Vec<u64> =
                stretches.iter().flat_map(|it| self.left[at(it.start)..at(it.end)].to_vec()).collect();
            let holds = self.wanted.iter().all(|it| kept.contains(it));
            if holds {
                self.left = kept;
            }
            Ok(holds)
        }

        fn spent(&self) -> bool {
            self.trials >= 5_000
        }
    }

    fn shrunk(of: u64, wanted: &[u64]) -> Numbers {
        let mut numbers = Numbers { left: (0..of).collect(), wanted: wanted.to_vec(), trials: 0 };
        shrink(&mut numbers).unwrap();
        numbers
    }

    #[test]
    fn one_of_two_hundred_thousand_is_found_in_few_trials() {
        for wanted in [0, 1, 99_999, 123_456, 199_999] {
            let numbers = shrunk(200_000, &[wanted]);
            assert_eq!(numbers.left, [wanted]);
            assert!(numbers.trials < 40, "{}", numbers.trials);
        }
    }

    #[test]
    fn several_that_are_needed_together_are_all_that_is_left() {
        for wanted in [vec![0, 999], vec![3, 4, 5], vec![10, 500, 501, 990], vec![0, 250, 500, 750, 999]] {
            let numbers = shrunk(1_000, &wanted);
            assert_eq!(numbers.left, wanted);
            assert!(numbers.trials < 400, "{}", numbers.trials);
        }
    }

    #[test]
    fn what_can_not_be_made_smaller_stays() {
        assert_eq!(shrunk(1, &[0]).left, [0]);
        assert_eq!(shrunk(0, &[]).left, [0; 0]);
        assert_eq!(shrunk(5, &[0, 1, 2, 3, 4]).left, [0, 1, 2, 3, 4]);
    }
}

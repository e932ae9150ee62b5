//! A sound Parquet file and what may be done to it.
//!
//! Flipping bytes of a whole file mostly yields "no Parquet file". So a file is taken apart first: magic and column data, page
//! headers within them, footer. Changes go to one of these, and the frame (length and magic) is put right again at the end.

use super::input::Input;
use super::thrift::{self, Value, change_bytes};

/// A file to be damaged.
#[derive(Debug, Clone)]
pub struct Sound {
    /// The file.
    pub bytes: Vec<u8>,
    /// Where its footer begins.
    footer: usize,
    /// The footer.
    tree: Value,
    /// Where page headers, indexes and filters begin.
    structures: Vec<usize>,
}

impl Sound {
    /// Takes a file apart.
    ///
    /// # Panics
    /// Where it is no sound file.
    pub fn new(bytes: Vec<u8>) -> Self {
        let tail = bytes.len() - 8;
        let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four bytes"));
        let footer = tail - length as usize;
        let (tree, read) = thrift::read(&bytes[footer..tail]).expect("a sound footer");
        assert_eq!(read, length as usize, "the whole footer is read");
        let mut again = Vec::new();
        tree.write(&mut again);
        assert_eq!(again, bytes[footer..tail], "a footer comes back as it was");
        let structures = structures(&bytes[..footer]);
        Self { bytes, footer, tree, structures }
    }

    /// The footer alone, changed as the input says.
    pub fn footer(&self, mut input: Input<'_>) -> Vec<u8> {
        let mut tree = self.tree.clone();
        let mut footer = Vec::new();
        while !input.is_empty() {
            if input.byte() < 224 {
                tree.change(&mut input);
            } else {
                break;
            }
        }
        tree.write(&mut footer);
        while !input.is_empty() {
            change_bytes(&mut footer, &mut input);
        }
        footer
    }

    /// What lies from each structure before the footer on.
    pub fn structures(&self) -> impl Iterator<Item = &[u8]> {
        let whole = |&&at: &&usize| thrift::read(&self.bytes[at..]).is_some();
        self.structures.iter().filter(whole).map(|&at| {
            let length = thrift::read(&self.bytes[at..]).map_or(0, |it| it.1);
            &self.bytes[at..at + length]
        })
    }

    /// The file, changed as the input says. An empty input changes nothing.
    pub fn damaged(&self, mut input: Input<'_>) -> Vec<u8> {
        let mut body = self.bytes[..self.footer].to_vec();
        let mut tree = self.tree.clone();
        let mut raw = Vec::new();
        let mut length = None;
        while !input.is_empty() {
            match input.byte() % 12 {
                0..=3 => tree.change(&mut input),
                // In a header of a page, where a change keeps all offsets.
                4 | 5 => {
                    let begin = self.structures[input.below(self.structures.len())];
                    let at = (begin + input.below(48)).min(body.len() - 1);
                    body[at] = input.byte();
                }
                6 => {
                    let begin = self.structures[input.below(self.structures.len())];
                    rewrite(&mut body, begin, &mut input);
                }
                7 | 8 => {
                    let at = input.below(body.len());
                    body[at] = input.byte();
                }
                9 => {
                    let at = input.below(body.len());
                    body[at] ^= 1 << (input.byte() % 8);
                }
                10 => change_bytes(&mut body, &mut input),
                _ => match input.byte() {
                    0 => length = Some(input.number() as u32),
                    _ => raw.push((input.short(), input.byte())),
                },
            }
            if body.is_empty() {
                body.push(0);
            }
        }
        let mut footer = Vec::new();
        tree.write(&mut footer);
        for (at, byte) in raw {
            let at = usize::from(at) % footer.len();
            footer[at] = byte;
        }
        let length = length.unwrap_or(footer.len() as u32);
        [&body[..], &footer, &length.to_le_bytes(), b"PAR1"].concat()
    }
}

/// Rewrites the structure at `begin` with one value changed, over what follows it, so that nothing else moves.
fn rewrite(body: &mut [u8], begin: usize, input: &mut Input<'_>) {
    let Some((mut tree, old)) = body.get(begin..).and_then(thrift::read) else { return };
    tree.change(input);
    let mut new = Vec::new();
    tree.write(&mut new);
    // Where the new one is shorter, a byte string under an unknown number fills the gap.
    if let Some(gap @ 4..128) = old.checked_sub(new.len()) {
        new.pop();
        new.extend([0x08, 0x90, 0x03, gap as u8 - 4]);
        new.resize(old - 1, b'x');
        new.push(0);
    }
    let end = (begin + new.len()).min(body.len());
    body[begin..end].copy_from_slice(&new[..end - begin]);
}

/// Where something that reads as a structure of at least three fields begins. Some of it is chance; most are headers.
fn structures(body: &[u8]) -> Vec<usize> {
    let mut found = vec![4];
    for at in 4..body.len() {
        let header = matches!(body[at], 0x15 | 0x19)
            && thrift::read(&body[at..]).is_some_and(|(tree, length)| length > 8 && tree.size() >= 4);
        if header {
            found.push(at);
        }
    }
    found
}

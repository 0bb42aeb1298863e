//! A hash table of which a look-up reads one line of memory, as a rule, that can be fetched ahead.
//!
//! A line of the processor's cache has room for seven pointers and a byte of each one's hash. What
//! has no room in the line that its hash stands for is in one of those behind it, and each that was
//! full on the way counts it. Where a look-up begins is known from the hash alone.

use crate::fetch::fetch;

/// Entries of a line.
const WIDTH: usize = 7;
/// As many of them are taken on average when the table grows: more would often have no room.
const MOST: usize = 5;
/// From this on it is not known how many have passed a line.
const UNCOUNTED: u8 = u8::MAX;

#[derive(Debug)]
#[repr(C, align(64))]
struct Line<T> {
    /// A byte of the hash of each entry, 0 where there is none; and how many entries have found no
    /// room here and stand behind.
    tags: [u8; WIDTH + 1],
    entries: [Option<T>; WIDTH],
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            tags: [0; WIDTH + 1],
            entries: std::array::from_fn(|_| None),
        }
    }
}

impl<T> Line<T> {
    /// The places of entries that have this tag, and of few others.
    fn tagged(&self, tag: u8) -> impl Iterator<Item = usize> + use<T> {
        const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        // A byte that is 0 borrows from its high bit; the one above it may do so too.
        let differ = u64::from_le_bytes(self.tags) ^ u64::from_ne_bytes([tag; 8]);
        let mut same = differ.wrapping_sub(LOW) & !differ & HIGH;
        std::iter::from_fn(move || {
            // What has passed is no tag.
            let at = same.trailing_zeros() as usize / 8;
            same &= same.wrapping_sub(1);
            (at < WIDTH).then_some(at)
        })
    }

    fn passed(&self) -> u8 {
        let [.., passed] = self.tags;
        passed
    }

    fn passed_mut(&mut self) -> &mut u8 {
        let [.., passed] = &mut self.tags;
        passed
    }

    fn place_of(&self, tag: u8, is_it: impl Fn(&T) -> bool) -> Option<usize> {
        let is_it = |at: &usize| {
            self.entries
                .get(*at)
                .and_then(Option::as_ref)
                .is_some_and(&is_it)
        };
        self.tagged(tag).find(is_it)
    }
}

/// Entries by hash. Who looks for one says which of those with the same hash it is.
#[derive(Debug)]
pub(super) struct Lines<T> {
    /// A power of two of them, or none.
    lines: Vec<Line<T>>,
    len: usize,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            len: 0,
        }
    }
}

/// The high byte, as the low ones tell the line.
fn tag(hash: u64) -> u8 {
    let [.., high] = hash.to_le_bytes();
    high.max(1)
}

/// The lines in which an entry may be, of so many.
fn path(hash: u64, lines: usize) -> impl Iterator<Item = usize> {
    let mask = lines.wrapping_sub(1);
    let home = usize::try_from(hash & mask as u64).unwrap_or_default();
    (0..lines).map(move |step| home.wrapping_add(step) & mask)
}

impl<T> Lines<T> {
    /// All entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.lines
            .iter()
            .flat_map(|line| line.entries.iter().flatten())
    }

    /// Has the processor fetch what a look-up reads, without waiting for it.
    pub(super) fn fetch(&self, hash: u64) {
        let home = path(hash, self.lines.len()).next();
        if let Some(line) = home.and_then(|at| self.lines.get(at)) {
            fetch(line);
        }
    }

    /// Which line an entry is in, and where there.
    fn place_of(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<(usize, usize)> {
        let tag = tag(hash);
        for at in path(hash, self.lines.len()) {
            let line = self.lines.get(at)?;
            if let Some(place) = line.place_of(tag, &is_it) {
                return Some((at, place));
            }
            if line.passed() == 0 {
                break;
            }
        }
        None
    }

    /// The entry of this hash that `is_it`.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        let (line, at) = self.place_of(hash, is_it)?;
        self.lines.get(line)?.entries.get(at)?.as_ref()
    }

    /// The same, to be changed: to one of the same hash.
    pub(super) fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        let (line, at) = self.place_of(hash, is_it)?;
        self.lines.get_mut(line)?.entries.get_mut(at)?.as_mut()
    }

    /// Takes an entry out.
    pub(super) fn take(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let (found, at) = self.place_of(hash, is_it)?;
        let line = self.lines.get_mut(found)?;
        *line.tags.get_mut(at)? = 0;
        let taken = line.entries.get_mut(at)?.take()?;
        self.len -= 1;
        for at in path(hash, self.lines.len()).take_while(|at| *at != found) {
            let line = self.lines.get_mut(at)?;
            let passed = line.passed_mut();
            if *passed != UNCOUNTED {
                *passed -= 1;
            }
        }
        Some(taken)
    }

    /// Adds an entry that is not there. `hash_of` tells the hashes of those that are, should the
    /// table have to grow.
    pub(super) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        self.reserve(1, hash_of);
        self.put(hash, entry);
        self.len += 1;
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize, hash_of: impl Fn(&T) -> u64) {
        let wanted = self.len.saturating_add(more).div_ceil(MOST);
        if wanted <= self.lines.len() {
            return;
        }
        let mut lines = Vec::new();
        lines.resize_with(wanted.next_power_of_two(), Line::default);
        let old = std::mem::replace(&mut self.lines, lines);
        for entry in old.into_iter().flat_map(|line| line.entries).flatten() {
            self.put(hash_of(&entry), entry);
        }
    }

    /// Puts an entry where it has room.
    fn put(&mut self, hash: u64, entry: T) {
        for at in path(hash, self.lines.len()) {
            let Some(line) = self.lines.get_mut(at) else {
                return;
            };
            let mut places = line.tags.iter_mut().zip(&mut line.entries);
            if let Some((place, free)) = places.find(|(tag, _)| **tag == 0) {
                *place = tag(hash);
                *free = Some(entry);
                return;
            }
            let passed = line.passed_mut();
            *passed = passed.saturating_add(1);
        }
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

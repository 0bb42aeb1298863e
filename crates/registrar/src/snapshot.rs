//! The table in a file, for the next start.
//!
//! An LZ4 frame with checksums: a line that says what it is and which version; then items, each with
//! a byte that says what it is: what phones have in common, a registration as the table holds it, how
//! many there were. Whatever of that is wrong, all of it is refused.

use std::{
    collections::HashMap,
    io::{self, BufReader, BufWriter, Read, Write},
    sync::Arc,
};

use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};

use crate::{
    held::Held,
    packed::{Reader, Times},
    shared::{Gear, Owner},
};

/// What it is, and the version of the format; another is refused.
const HEAD: &[u8; 24] = b"{\"rollcall_snapshot\":2}\n";
const MARK: &[u8] = b"{\"rollcall_snapshot\":";
/// The longest item that is read: no message was longer.
const MAX_ITEM_BYTES: usize = 16 << 20;
/// The most that phones have in common that is read; far more than a table has room for.
const MAX_SHARED: usize = 16 << 20;

/// A block that is longer than any. The decoder takes the input's end for the frame's: with this behind it,
/// a file whose frame has lost its end is damaged like any other.
const NO_BLOCK: &[u8] = &[0xff; 4];

const OWNER: u8 = b'O';
const GEAR: u8 = b'G';
const RECORD: u8 = b'R';
const END: u8 = b'E';

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It cannot be read, or its checksums are wrong.
    #[error("it is damaged or cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is none.
    #[error("it is no snapshot of rollcall's")]
    NoSnapshot,
    /// Another version wrote it.
    #[error("its format is another version's; this one reads version 2")]
    Version,
    /// Its end is missing, or tells another number.
    #[error("it is not whole: it has {found} records, and its end says {said:?}")]
    NotWhole {
        /// Records that are there.
        found: u64,
        /// What its end says.
        said: Option<u64>,
    },
    /// An item is not what an item is.
    #[error("what stands behind record {0} cannot be read")]
    Item(u64),
}

/// Writes a snapshot. Returns how many registrations it holds.
pub(crate) fn write(
    registrations: impl IntoIterator<Item = Held>,
    out: impl Write,
) -> io::Result<u64> {
    let info = FrameInfo::new()
        .block_checksums(true)
        .content_checksum(true);
    let mut out = BufWriter::with_capacity(1 << 18, FrameEncoder::with_frame_info(info, out));
    out.write_all(HEAD)?;
    let mut writer = Writer::default();
    let mut records = 0_u64;
    for held in registrations {
        writer.write(&held, &mut out)?;
        records += 1;
    }
    out.write_all(&[END])?;
    out.write_all(&records.to_le_bytes())?;
    let frame = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    frame.finish().map_err(io::Error::other)?.flush()?;
    Ok(records)
}

/// Numbers what is shared as it comes up.
#[derive(Default)]
struct Writer {
    owners: Numbers<Owner>,
    gears: Numbers<Gear>,
    item: Vec<u8>,
}

/// Kept, so that no other comes to stand in the same place meanwhile.
type Numbers<T> = HashMap<*const T, (u32, Arc<T>)>;

impl Writer {
    fn write(&mut self, held: &Held, out: &mut impl Write) -> io::Result<()> {
        let slot = held.slot();
        let (owner, gear) = (slot.owner(), slot.gear());
        let owner = number(&mut self.owners, owner, |new| {
            self.item.clear();
            new.write(&mut self.item);
            write_item(OWNER, &[], &self.item, out)
        })?;
        let gear = number(&mut self.gears, gear, |new| {
            self.item.clear();
            new.write(&mut self.item);
            write_item(GEAR, &[], &self.item, out)
        })?;
        let times = held.times();
        let numbers = [owner, gear, times.initial, times.last, times.expires];
        write_item(RECORD, &numbers, slot.packed(), out)
    }
}

fn number<T>(
    numbers: &mut Numbers<T>,
    shared: &Arc<T>,
    write: impl FnOnce(&T) -> io::Result<()>,
) -> io::Result<u32> {
    if let Some((number, _)) = numbers.get(&Arc::as_ptr(shared)) {
        return Ok(*number);
    }
    write(shared)?;
    let number = u32::try_from(numbers.len()).map_err(io::Error::other)?;
    numbers.insert(Arc::as_ptr(shared), (number, Arc::clone(shared)));
    Ok(number)
}

fn write_item(kind: u8, numbers: &[u32], bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[kind])?;
    for number in numbers {
        out.write_all(&number.to_le_bytes())?;
    }
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)
}

/// A registration as it stands in a snapshot.
pub(crate) struct Record<'a> {
    pub(crate) owner: &'a Arc<Owner>,
    pub(crate) gear: &'a Arc<Gear>,
    pub(crate) times: Times,
    pub(crate) bytes: &'a [u8],
}

/// Reads a snapshot, record by record. What `take` is given counts only if the result is `Ok`:
/// damage may show at the very end. Returns how many records there are.
pub(crate) fn read(
    input: impl Read,
    share: impl Fn(Owner) -> Arc<Owner>,
    share_gear: impl Fn(Gear) -> Arc<Gear>,
    mut take: impl FnMut(Record<'_>),
) -> Result<u64, SnapshotError> {
    let mut items = Items {
        input: BufReader::with_capacity(1 << 18, FrameDecoder::new(input.chain(NO_BLOCK))),
        item: Vec::new(),
        found: 0,
    };
    items.head()?;
    let (mut owners, mut gears) = (Vec::new(), Vec::new());
    loop {
        match items.kind()? {
            OWNER => owners.push(share(items.shared(owners.len(), Owner::read)?)),
            GEAR => gears.push(share_gear(items.shared(gears.len(), Gear::read)?)),
            RECORD => {
                let [owner, gear, initial, last, expires] = items.numbers()?;
                let times = Times {
                    initial,
                    last,
                    expires,
                };
                items.item()?;
                let found = items.found;
                let (Some(owner), Some(gear)) = (at(&owners, owner), at(&gears, gear)) else {
                    return Err(SnapshotError::Item(found));
                };
                items.found += 1;
                take(Record {
                    owner,
                    gear,
                    times,
                    bytes: &items.item,
                });
            }
            END => return items.end(),
            _ => return Err(SnapshotError::Item(items.found)),
        }
    }
}

fn at<T>(shared: &[T], number: u32) -> Option<&T> {
    shared.get(usize::try_from(number).ok()?)
}

struct Items<R> {
    input: R,
    item: Vec<u8>,
    found: u64,
}

impl<R: Read> Items<R> {
    fn head(&mut self) -> Result<(), SnapshotError> {
        let mut head = [0; HEAD.len()];
        self.input.read_exact(&mut head).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                SnapshotError::NoSnapshot
            } else {
                error.into()
            }
        })?;
        if head == *HEAD {
            Ok(())
        } else if head.starts_with(MARK) {
            Err(SnapshotError::Version)
        } else {
            Err(SnapshotError::NoSnapshot)
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.input.read_exact(bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                let (found, said) = (self.found, None);
                SnapshotError::NotWhole { found, said }
            } else {
                error.into()
            }
        })
    }

    fn kind(&mut self) -> Result<u8, SnapshotError> {
        let mut kind = [0];
        self.fill(&mut kind)?;
        Ok(u8::from_le_bytes(kind))
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u32; N], SnapshotError> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            self.fill(&mut bytes)?;
            *number = u32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    fn item(&mut self) -> Result<(), SnapshotError> {
        let [length] = self.numbers()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_ITEM_BYTES {
            return Err(SnapshotError::Item(self.found));
        }
        let mut item = std::mem::take(&mut self.item);
        item.resize(length, 0);
        let filled = self.fill(&mut item);
        self.item = item;
        filled
    }

    fn shared<T>(
        &mut self,
        known: usize,
        read: impl FnOnce(&mut Reader<'_>) -> T,
    ) -> Result<T, SnapshotError> {
        self.item()?;
        let mut reader = Reader::new(&self.item);
        let shared = read(&mut reader);
        if reader.is_broken || !reader.left.is_empty() || known >= MAX_SHARED {
            return Err(SnapshotError::Item(self.found));
        }
        Ok(shared)
    }

    fn end(mut self) -> Result<u64, SnapshotError> {
        let [low, high] = self.numbers()?;
        let said = u64::from(high) << 32 | u64::from(low);
        // Only the frame's own end has the checksum looked at.
        let behind = io::copy(&mut self.input, &mut io::sink())?;
        if said == self.found && behind == 0 {
            Ok(said)
        } else {
            let (found, said) = (self.found, Some(said));
            Err(SnapshotError::NotWhole { found, said })
        }
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;

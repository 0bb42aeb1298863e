//! The live registrations in a file, for the next start.
//!
//! An LZ4 frame with checksums. In it: a line that names the format and its version, then items, each
//! a length of four bytes and a postcard value: shared fields where they are first used, entries, and
//! at the end their number. A file with any error is refused whole.

use std::{
    collections::HashMap,
    io::{self, BufReader, BufWriter, Read, Write},
    panic::resume_unwind,
    sync::Arc,
    thread,
};

use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use serde::{Deserialize, Serialize};

use crate::cache::{
    AccountFields, Cache, Entry, EntryRecord, EntryRef, ProxyFields, RestoredEntry,
};

/// Names the format and its version; other versions are refused.
const HEAD: &[u8; 24] = b"{\"rollcall_snapshot\":3}\n";
/// How each version begins.
const MAGIC: &[u8] = b"{\"rollcall_snapshot\":";
/// The longest item that is read: no message was longer.
const MAX_ITEM_BYTES: usize = 16 << 20;
/// The decoder takes the end of its input for the end of the frame. A block that is longer than any
/// block may be, put behind the input, makes a frame without an end an error.
const NO_BLOCK: &[u8] = &[0xff; 4];

/// What a snapshot consists of: written with borrowed fields, read with fields of its own.
#[derive(Serialize, Deserialize)]
enum Item<A, P, T> {
    Account(A),
    Proxy(P),
    Entry(EntryRecord<T>),
    End { entries: u64 },
}

type Written<'a> = Item<&'a AccountFields, &'a ProxyFields, &'a str>;
type ReadItem = Item<AccountFields, ProxyFields, Box<str>>;

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read, or its checksums are wrong.
    #[error("it is damaged or cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is of another kind.
    #[error("it is not a snapshot of rollcall")]
    NotASnapshot,
    /// Another version wrote it.
    #[error("its format is that of another version; this one reads format 3")]
    Version,
    /// The end is missing, or gives another number of entries.
    #[error("it is cut short: it has {found} entries, and its end says {expected:?}")]
    CutShort {
        /// Entries that are there.
        found: u64,
        /// Entries that the end tells of.
        expected: Option<u64>,
    },
    /// An item cannot be read.
    #[error("the item after entry {0} cannot be read")]
    Item(u64),
}

/// What came of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Registrations that it held.
    pub found: u64,
    /// Those that had not ended, and that were not known better.
    pub taken_in: u64,
}

/// Writes all live registrations. Returns how many they are.
pub(crate) fn write(cache: &Cache, out: impl Write) -> io::Result<u64> {
    let info = FrameInfo::new()
        .block_checksums(true)
        .content_checksum(true);
    let mut out = BufWriter::with_capacity(1 << 18, FrameEncoder::with_frame_info(info, out));
    out.write_all(HEAD)?;
    let mut writer = Writer {
        out: &mut out,
        item: Vec::new(),
        accounts: HashMap::new(),
        proxies: HashMap::new(),
    };
    let mut entries = 0;
    for entry in cache.all() {
        writer.entry(&entry)?;
        entries += 1;
    }
    writer.item(&Item::End { entries })?;
    let frame = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    frame.finish().map_err(io::Error::other)?.flush()?;
    Ok(entries)
}

/// Shared fields by their address, numbered. They are kept, so that an address stays theirs.
type Numbers<T> = HashMap<*const T, (u32, Arc<T>)>;

struct Writer<W> {
    out: W,
    item: Vec<u8>,
    accounts: Numbers<AccountFields>,
    proxies: Numbers<ProxyFields>,
}

impl<W: Write> Writer<W> {
    fn entry(&mut self, entry: &EntryRef) -> io::Result<()> {
        let entry = entry.entry();
        let (account, is_new) = number(&mut self.accounts, entry.account());
        if is_new {
            self.item(&Item::Account(entry.account()))?;
        }
        let (proxy, is_new) = number(&mut self.proxies, entry.proxy());
        if is_new {
            self.item(&Item::Proxy(entry.proxy()))?;
        }
        self.item(&Item::Entry(entry.record(account, proxy)))
    }

    fn item(&mut self, item: &Written<'_>) -> io::Result<()> {
        self.item.clear();
        self.item =
            postcard::to_extend(item, std::mem::take(&mut self.item)).map_err(io::Error::other)?;
        let length = u32::try_from(self.item.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.item)
    }
}

/// The number of shared fields, and whether they had none before.
fn number<T>(numbers: &mut Numbers<T>, shared: &Arc<T>) -> (u32, bool) {
    // There are fewer than registrations, and those are counted in 32 bits.
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let slot = numbers
        .entry(Arc::as_ptr(shared))
        .or_insert_with(|| (next, Arc::clone(shared)));
    (slot.0, slot.0 == next)
}

/// A sound snapshot that has been read.
pub struct Snapshot {
    accounts: Vec<Arc<AccountFields>>,
    pub(crate) entries: Vec<RestoredEntry>,
}

impl Snapshot {
    /// Reads all of a snapshot, to be inserted into this cache.
    pub fn read(cache: &Cache, input: impl Read) -> Result<Self, SnapshotError> {
        let decoder = FrameDecoder::new(input.chain(NO_BLOCK));
        let mut input = BufReader::with_capacity(1 << 18, decoder);
        read_head(&mut input)?;
        let (mut accounts, mut proxies) = (Vec::new(), Vec::new());
        let mut entries = Vec::new();
        let mut bytes = Vec::new();
        loop {
            let found = entries.len() as u64;
            let damaged = || SnapshotError::Item(found);
            read_item(&mut input, &mut bytes, found)?;
            let item = postcard::take_from_bytes::<ReadItem>(&bytes);
            let (item, []) = item.map_err(|_| damaged())? else {
                return Err(damaged());
            };
            match item {
                Item::Account(fields) => accounts.push(cache.intern_account(fields)),
                Item::Proxy(fields) => proxies.push(cache.intern_proxy(fields)),
                Item::Entry(record) => {
                    let account = numbered(&accounts, record.account).ok_or_else(damaged)?;
                    let proxy = numbered(&proxies, record.proxy).ok_or_else(damaged)?;
                    let entry = Entry::from_record(record, account, proxy);
                    entries.push(RestoredEntry::new(entry));
                }
                Item::End { entries: expected } => {
                    // Only at the frame's own end is its checksum looked at.
                    let behind = io::copy(&mut input, &mut io::sink())?;
                    if expected != found || behind > 0 {
                        let expected = Some(expected);
                        return Err(SnapshotError::CutShort { found, expected });
                    }
                    return Ok(Self { accounts, entries });
                }
            }
        }
    }

    /// Inserts the entries that have not ended and are not known better, on all cores.
    pub fn insert(&self, cache: &Cache) -> Restored {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let part = self.entries.len().div_ceil(threads).max(1);
        let insert =
            |part: &[RestoredEntry]| part.iter().filter(|entry| cache.restore(entry)).count();
        let taken_in = thread::scope(|scope| {
            let parts = self.entries.chunks(part);
            let parts: Vec<_> = parts
                .map(|part| scope.spawn(move || insert(part)))
                .collect();
            let counts = parts.into_iter().map(thread::ScopedJoinHandle::join);
            counts
                .map(|count| count.unwrap_or_else(|panic| resume_unwind(panic)) as u64)
                .sum()
        });
        for account in &self.accounts {
            cache.note_realm(account);
        }
        Restored {
            found: self.entries.len() as u64,
            taken_in,
        }
    }
}

fn numbered<T>(shared: &[Arc<T>], number: u32) -> Option<Arc<T>> {
    shared.get(usize::try_from(number).ok()?).map(Arc::clone)
}

fn read_head(input: &mut impl Read) -> Result<(), SnapshotError> {
    let mut head = [0; HEAD.len()];
    input
        .read_exact(&mut head)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SnapshotError::NotASnapshot,
            _ => error.into(),
        })?;
    if head == *HEAD {
        Ok(())
    } else if head.starts_with(MAGIC) {
        Err(SnapshotError::Version)
    } else {
        Err(SnapshotError::NotASnapshot)
    }
}

fn read_item(input: &mut impl Read, bytes: &mut Vec<u8>, found: u64) -> Result<(), SnapshotError> {
    let cut_short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::CutShort {
            found,
            expected: None,
        },
        _ => error.into(),
    };
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(cut_short)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_ITEM_BYTES {
        return Err(SnapshotError::Item(found));
    }
    bytes.resize(length, 0);
    input.read_exact(bytes).map_err(cut_short)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;

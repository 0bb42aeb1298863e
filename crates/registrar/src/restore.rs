//! The table out of a file, as fast as the machine takes it: a start waits for it.
//!
//! Damage may show at a snapshot's very end, so nothing of it is taken in before all of it is read.
//! While one thread reads, another makes of records what the table holds; then all take it in.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    panic::resume_unwind,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use crate::{
    context::Context,
    metrics::RESTORED,
    packed::Times,
    shared::{Gear, Owner},
    slot::Slot,
    snapshot::{self, Record, SnapshotError},
    table::Table,
};

/// Records that are handed over at once, and how many such batches may wait.
const BATCH: usize = 1024;
const MAX_WAITING: usize = 8;
/// More take-ins at once stand in each other's way.
pub(crate) const MAX_THREADS: usize = 4;

/// What came of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Registrations that it holds.
    pub found: u64,
    /// Those that cannot be read.
    pub unreadable: u64,
    /// Those that were not over, or known better.
    pub taken_in: u64,
}

/// Records on their way from who reads them to who makes slots of them.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

struct Entry {
    owner: Arc<Owner>,
    gear: Arc<Gear>,
    times: Times,
    length: usize,
}

impl Batch {
    fn push(&mut self, record: &Record<'_>) {
        self.bytes.extend_from_slice(record.bytes);
        self.records.push(Entry {
            owner: Arc::clone(record.owner),
            gear: Arc::clone(record.gear),
            times: record.times,
            length: record.bytes.len(),
        });
    }
}

/// What the table would hold, and how many records it was that say nothing.
#[derive(Default)]
struct Made {
    slots: Vec<Slot>,
    unreadable: u64,
}

impl Made {
    fn of(batches: &Receiver<Batch>, table: &Table) -> Self {
        let mut made = Self::default();
        for batch in batches {
            let mut left = batch.bytes.as_slice();
            for entry in batch.records {
                let Some((bytes, rest)) = left.split_at_checked(entry.length) else {
                    break;
                };
                left = rest;
                match table.unpack(entry.times, bytes, entry.owner, entry.gear) {
                    Some(slot) => made.slots.push(slot),
                    None => made.unreadable += 1,
                }
            }
        }
        made
    }
}

impl Context {
    /// Writes a snapshot of the table. Returns how many registrations it holds.
    pub(crate) fn write_snapshot(&self, out: impl Write) -> io::Result<u64> {
        // So whoever takes them in looks once for where an owner's are.
        snapshot::write(self.table.all_by_owner(), out)
    }

    /// Takes in what a snapshot holds, if all of it is sound.
    pub(crate) fn restore(&self, input: impl Read) -> Result<Restored, SnapshotError> {
        let owners = RefCell::new(Vec::new());
        let (sender, batches) = sync_channel(MAX_WAITING);
        let (found, made) = thread::scope(|scope| {
            let making = scope.spawn(move || Made::of(&batches, &self.table));
            let found = self.read_snapshot(input, &owners, &sender);
            // That is all; who makes slots of it waits for more until then.
            drop(sender);
            (
                found,
                making.join().unwrap_or_else(|panic| resume_unwind(panic)),
            )
        });
        let found = found?;
        let taken_in = self.take_all_in(made.slots);
        for owner in owners.into_inner() {
            self.table.remember(&owner);
        }
        self.metrics.add(RESTORED, taken_in);
        Ok(Restored {
            found,
            unreadable: made.unreadable,
            taken_in,
        })
    }

    /// Hands over what a snapshot holds, batch by batch; notes whose it is.
    fn read_snapshot(
        &self,
        input: impl Read,
        owners: &RefCell<Vec<Arc<Owner>>>,
        batches: &SyncSender<Batch>,
    ) -> Result<u64, SnapshotError> {
        let share = |owner| {
            let owner = self.table.owners.share(owner);
            owners.borrow_mut().push(Arc::clone(&owner));
            owner
        };
        let share_gear = |gear| self.table.gears.share(gear);
        // It takes them until we are done; if it has panicked, that shows when it is joined.
        let hand_over = |batch| drop(batches.send(batch));
        let mut batch = Batch::default();
        let found = snapshot::read(input, share, share_gear, |record| {
            batch.push(&record);
            if batch.records.len() == BATCH {
                hand_over(std::mem::take(&mut batch));
            }
        })?;
        hand_over(batch);
        Ok(found)
    }

    fn take_all_in(&self, mut slots: Vec<Slot>) -> u64 {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let part = slots.len().div_ceil(threads.min(MAX_THREADS)).max(1);
        self.table.reserve(slots.len());
        thread::scope(|scope| {
            let mut taking = Vec::new();
            while !slots.is_empty() {
                let part = slots.split_off(slots.len().saturating_sub(part));
                taking.push(scope.spawn(|| self.table.restore(part, &self.listeners)));
            }
            let taken = taking.into_iter().map(thread::ScopedJoinHandle::join);
            taken
                .map(|taken| taken.unwrap_or_else(|panic| resume_unwind(panic)))
                .sum()
        })
    }
}

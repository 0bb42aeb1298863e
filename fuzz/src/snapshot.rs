//! Snapshots from who knows where, and of tables that heard who knows what.

use std::io::Write as _;

use lz4_flex::frame::FrameEncoder;
use registrar::SnapshotError;

use crate::world::World;

/// A frame begins with these.
const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
const HEAD: &[u8] = b"{\"rollcall_snapshot\":2}\n";
/// Ends that say so many records are enough to come by.
const MOST: u64 = 4;

/// A frame as it is, or else the items in one, or messages of a table that is written and read.
pub fn snapshot(data: &[u8]) {
    drop(restore(data));
    if data.starts_with(&MAGIC) {
        return;
    }
    drop(restore(&framed(&[HEAD, data])));
    for records in 0..=MOST {
        let end = records.to_le_bytes();
        if let Ok(restored) = restore(&framed(&[HEAD, data, b"E", &end])) {
            assert!(restored as u64 <= records);
        }
    }
    let world = World::new();
    for message in data.split(|byte| *byte == b'\n') {
        world.hear(message);
    }
    comes_back(&world);
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut frame = FrameEncoder::new(Vec::new());
    for part in parts {
        frame.write_all(part).expect("a Vec takes every write");
    }
    frame.finish().expect("a Vec takes every write")
}

/// How many registrations came of it.
fn restore(bytes: &[u8]) -> Result<usize, SnapshotError> {
    let world = World::new();
    let restored = world.registrar.restore(bytes)?;
    let all = comes_back(&world);
    assert_eq!(restored.taken_in, all as u64);
    assert!(restored.taken_in <= restored.found);
    Ok(all)
}

/// What is written is read back the same. Returns how many there are.
fn comes_back(world: &World) -> usize {
    let all = world.check_table();
    let mut written = Vec::new();
    let records = world.registrar.write_snapshot(&mut written);
    assert_eq!(records.ok(), Some(all.len() as u64));
    let other = World::new();
    let restored = other.registrar.restore(written.as_slice());
    let restored = restored.expect("what is written is read");
    assert_eq!(restored.taken_in, all.len() as u64);
    for registration in &all {
        let there = other.registrar.cache().get(&registration.aor());
        let there = there.map(|there| there.registration());
        assert_eq!(there.as_ref(), Some(&**registration));
    }
    all.len()
}

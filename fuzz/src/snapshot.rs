//! Snapshots from who knows where.

use std::io::Write as _;

use lz4_flex::frame::FrameEncoder;
use registrar::{SnapshotError, read_snapshot, write_snapshot};
use registration::Report;

use crate::world::World;

/// A frame begins with these.
const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
const HEAD: &[u8] = b"{\"rollcall_snapshot\":1}\n";

/// A frame as it is, or else the lines in one.
pub fn snapshot(data: &[u8]) {
    if data.starts_with(&MAGIC) {
        drop(restore(data));
        return;
    }
    drop(restore(data));
    let head = if data.starts_with(b"{\"rollcall_snapshot") {
        b"".as_slice()
    } else {
        HEAD
    };
    drop(restore(&framed(&[head, data])));
    // As many records as there are, so that they are taken.
    let text = [head, data].concat();
    let lines = text.split(|byte| *byte == b'\n').skip(1);
    let records = lines.filter(|line| !line.is_empty() && !line.starts_with(b"{\"rollcall_"));
    let records: Vec<&[u8]> = records.collect();
    let mut whole = HEAD.to_vec();
    for record in &records {
        whole.extend_from_slice(record);
        whole.push(b'\n');
    }
    whole.extend(format!("{{\"rollcall_records\":{}}}\n", records.len()).into_bytes());
    let Ok(restored) = restore(&framed(&[&whole])) else {
        // A line that looks like the end, spelled otherwise.
        return;
    };
    assert!(restored <= records.len());
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
    let mut reports: Vec<Report> = Vec::new();
    let (unreadable, found) = read_snapshot(bytes, |report| reports.push(report))?;
    assert_eq!(found - unreadable, reports.len() as u64);
    if reports.is_empty() {
        return Ok(0);
    }
    let world = World::new();
    world.registrar.restore(&reports);
    let all = world.check_table();
    assert!(all.len() <= reports.len());
    let mut out = Vec::new();
    assert_eq!(write_snapshot(&all, &mut out)?, all.len() as u64);
    let mut again = Vec::new();
    let counts = read_snapshot(out.as_slice(), |report| again.push(report))?;
    assert_eq!(counts, (0, all.len() as u64));
    let other = World::new();
    assert_eq!(other.registrar.restore(&again), all.len() as u64);
    for registration in &all {
        assert_eq!(
            other.registrar.get(&registration.aor()).as_ref(),
            Some(registration)
        );
    }
    Ok(all.len())
}

//! The table in a file, for the next start.
//!
//! An LZ4 frame with checksums, of lines of JSON: what it is and which version; a record for each
//! registration; how many there were. Whatever of that is wrong, all of it is refused.

use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};

use kapi::{read_record, write_record};
use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use registration::{Registration, Report};
use serde::{Deserialize, Serialize};

/// Of the format; another is refused.
const VERSION: u32 = 1;
/// The longest line that is read: no message was longer.
const MAX_LINE_BYTES: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    rollcall_snapshot: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Foot {
    rollcall_records: u64,
}

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
    #[error("its format is version {0}, this is version {VERSION}")]
    Version(u32),
    /// Its end is missing, or tells another number.
    #[error("it is not whole: it has {found} records, and its end says {said:?}")]
    NotWhole {
        /// Records that are there.
        found: u64,
        /// What its end says.
        said: Option<u64>,
    },
    /// A line is too long.
    #[error("record {0} is longer than {MAX_LINE_BYTES} bytes")]
    TooLong(u64),
}

/// Writes a snapshot. Returns how many registrations it holds.
pub fn write_snapshot<R: AsRef<Registration>>(
    registrations: impl IntoIterator<Item = R>,
    out: impl Write,
) -> io::Result<u64> {
    let info = FrameInfo::new()
        .block_checksums(true)
        .content_checksum(true);
    let mut out = BufWriter::new(FrameEncoder::with_frame_info(info, out));
    let mut line = serde_json::to_vec(&Head {
        rollcall_snapshot: VERSION,
    })?;
    let mut records = 0;
    for registration in registrations {
        line.push(b'\n');
        out.write_all(&line)?;
        line.clear();
        write_record(registration.as_ref(), &mut line);
        records += 1;
    }
    line.push(b'\n');
    out.write_all(&line)?;
    serde_json::to_writer(
        &mut out,
        &Foot {
            rollcall_records: records,
        },
    )?;
    out.write_all(b"\n")?;
    let frame = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    frame.finish().map_err(io::Error::other)?.flush()?;
    Ok(records)
}

/// Reads a snapshot, record by record. What `take` is given counts only if the result is `Ok`:
/// damage may show at the very end. Returns how many records it could not read, and how many there
/// are.
pub fn read_snapshot(
    input: impl Read,
    mut take: impl FnMut(Report),
) -> Result<(u64, u64), SnapshotError> {
    let mut input = BufReader::new(FrameDecoder::new(input));
    let mut line = Vec::new();
    let (mut found, mut unreadable) = (0, 0);
    next_line(&mut input, &mut line, 0)?;
    let head: Head = serde_json::from_slice(&line).map_err(|_| SnapshotError::NoSnapshot)?;
    if head.rollcall_snapshot != VERSION {
        return Err(SnapshotError::Version(head.rollcall_snapshot));
    }
    loop {
        next_line(&mut input, &mut line, found)?;
        if line.is_empty() {
            return Err(SnapshotError::NotWhole { found, said: None });
        }
        if let Ok(foot) = serde_json::from_slice::<Foot>(&line) {
            // Only the frame's own end has the checksum looked at.
            io::copy(&mut input, &mut io::sink())?;
            let said = foot.rollcall_records;
            return if said == found {
                Ok((unreadable, found))
            } else {
                let said = Some(said);
                Err(SnapshotError::NotWhole { found, said })
            };
        }
        found += 1;
        match read_record(&line) {
            Ok(report) => take(report),
            Err(_) => unreadable += 1,
        }
    }
}

fn next_line(
    input: &mut BufReader<impl Read>,
    line: &mut Vec<u8>,
    record: u64,
) -> Result<(), SnapshotError> {
    line.clear();
    input.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    if line.len() as u64 == MAX_LINE_BYTES {
        return Err(SnapshotError::TooLong(record));
    }
    Ok(())
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;

//! A registration as a line of JSON, for operators.

use kapi::{Spelling, write_json, write_text};
use registration::{UnixMillis, View};

/// The type of lists of lines.
pub(super) const LINES: &str = "application/x-ndjson";

/// Appends the registration as the API shows it, with the seconds it has left and its zone.
pub(super) fn write_line(registration: &View<'_>, now: UnixMillis, out: &mut Vec<u8>) {
    write_json(registration, Spelling::Http, out);
    // An object of ours is never empty.
    out.pop();
    let left = registration.expires_at().0.saturating_sub(now.0) / 1000;
    out.extend_from_slice(format!(",\"remaining\":{left},\"zone\":").as_bytes());
    write_text(registration.zone.as_str(), out);
    out.extend_from_slice(b"}\n");
}

//! Names of changes.

use registrar::ChangeKind;

/// The name of a kind of change, in events and lines.
pub(crate) fn change_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Registered | ChangeKind::Restored => "registered",
        ChangeKind::Refreshed | ChangeKind::Identified => "refreshed",
        ChangeKind::Moved => "moved",
        ChangeKind::Unregistered => "unregistered",
        // A binding that its proxy no longer has, without an unregister.
        ChangeKind::Expired | ChangeKind::Vanished => "expired",
        ChangeKind::Flushed => "flushed",
    }
}

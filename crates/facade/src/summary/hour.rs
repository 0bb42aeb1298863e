//! The last hour, in pieces of equal length.

use std::collections::VecDeque;

use registrar::ChangeKind;
use serde::Serialize;
use utoipa::ToSchema;

/// Length of a piece, in seconds.
pub(super) const SECONDS: u64 = 10;
/// Pieces that are kept.
const KEPT: usize = 360;
/// What can happen, in the order of [`Piece::events`].
const KINDS: [&str; 6] = [
    "registered",
    "refreshed",
    "moved",
    "unregistered",
    "expired",
    "flushed",
];

#[derive(Clone, Copy, Default)]
struct Piece {
    /// How many were registered at its end.
    registrations: u64,
    events: [u32; KINDS.len()],
}

/// The pieces, the last of them not yet at its end.
pub(super) struct Hour {
    past: VecDeque<Piece>,
    now: Piece,
    /// Which piece of the clock's time is now.
    number: u64,
}

/// The last hour, in pieces of equal length, oldest first
#[derive(Serialize, ToSchema)]
pub(crate) struct History {
    /// Length of each piece, in seconds
    seconds: u64,
    /// Unix time of the last piece's end
    until: u64,
    /// How many there were at each piece's end
    registrations: Vec<u64>,
    events: Events,
}

/// How many in each piece
#[derive(Serialize, ToSchema)]
#[schema(as = SummaryEvents)]
struct Events {
    registered: Vec<u32>,
    refreshed: Vec<u32>,
    moved: Vec<u32>,
    unregistered: Vec<u32>,
    expired: Vec<u32>,
    flushed: Vec<u32>,
}

impl Hour {
    pub(super) fn beginning(seconds: u64) -> Self {
        Self {
            past: VecDeque::new(),
            now: Piece::default(),
            number: seconds / SECONDS,
        }
    }

    /// Goes on to the piece of this time. When the clock was set back, the present one goes on.
    pub(super) fn come_to(&mut self, seconds: u64) {
        let number = seconds / SECONDS;
        let passed = number.saturating_sub(self.number);
        self.number = number;
        for _ in 0..passed.min(KEPT as u64) {
            if self.past.len() == KEPT {
                self.past.pop_front();
            }
            self.past.push_back(self.now);
            self.now.events = Default::default();
        }
    }

    pub(super) fn note(&mut self, kind: ChangeKind, registrations: u64) {
        self.now.registrations = registrations;
        let at = match kind {
            ChangeKind::Registered | ChangeKind::Restored => 0,
            ChangeKind::Refreshed => 1,
            ChangeKind::Moved => 2,
            ChangeKind::Unregistered => 3,
            ChangeKind::Expired | ChangeKind::Vanished => 4,
            ChangeKind::Flushed => 5,
            // Nothing happened to the phone.
            ChangeKind::Identified => return,
        };
        if let Some(count) = self.now.events.get_mut(at) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn refreshed(&mut self, times: u64) {
        let [_, refreshed, ..] = &mut self.now.events;
        let times = times.try_into().unwrap_or(u32::MAX);
        *refreshed = refreshed.saturating_add(times);
    }

    pub(super) fn history(&self) -> History {
        let of = |at: usize| {
            let count = |piece: &Piece| piece.events.get(at).copied().unwrap_or_default();
            self.past.iter().map(count).collect()
        };
        History {
            seconds: SECONDS,
            until: self.number.saturating_mul(SECONDS),
            registrations: self.past.iter().map(|piece| piece.registrations).collect(),
            events: Events {
                registered: of(0),
                refreshed: of(1),
                moved: of(2),
                unregistered: of(3),
                expired: of(4),
                flushed: of(5),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_counts_when_it_is_at_its_end() {
        let mut hour = Hour::beginning(1_000);
        hour.note(ChangeKind::Registered, 1);
        hour.note(ChangeKind::Refreshed, 1);
        assert!(hour.history().registrations.is_empty());
        hour.come_to(1_029);
        hour.note(ChangeKind::Vanished, 0);
        hour.come_to(1_030);
        let history = hour.history();
        assert_eq!(history.until, 1_030);
        assert_eq!(history.registrations, [1, 1, 0]);
        assert_eq!(history.events.registered, [1, 0, 0]);
        assert_eq!(history.events.refreshed, [1, 0, 0]);
        assert_eq!(history.events.expired, [0, 0, 1]);
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let mut hour = Hour::beginning(0);
        hour.note(ChangeKind::Registered, 7);
        hour.come_to(u64::MAX);
        hour.come_to(u64::MAX);
        assert_eq!(hour.history().registrations, [7; KEPT]);
        // A clock that was set back loses nothing, and goes on from there.
        hour.come_to(50);
        assert_eq!(hour.history().until, 50);
        hour.come_to(60);
        assert_eq!(hour.history().registrations.len(), KEPT);
    }
}

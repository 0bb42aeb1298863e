//! What is broken.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::Instant,
};

/// When something was broken: from, until (nothing if it still is), what.
pub type Struck = Arc<Mutex<Vec<(Instant, Option<Instant>, Kind)>>>;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// SIGKILL to the broker, then a start.
    BrokerKill,
    /// SIGSTOP to the broker past the heartbeat, then SIGCONT.
    BrokerPause,
    /// Every connection closed through the broker's management.
    ConnectionsClosed,
    /// rollcall's queue of events deleted under it.
    QueueDeleted,
    /// The exchange is there with other flags, so that declaring it is refused (406).
    ExchangeRedeclared,
    /// The exchange deleted and declared anew: all bindings are gone, and nobody is told.
    ExchangeLost,
    /// The broker takes no messages, since it is out of memory.
    MemoryAlarm,
    /// Connections between rollcall and the broker are reset.
    TcpReset,
    /// Connections between rollcall and the broker stay, but nothing gets through.
    TcpBlackHole,
    /// SIGKILL to rollcall, then a start.
    RollcallKill,
    /// SIGTERM to rollcall, then a start.
    RollcallTerm,
    /// No space for the snapshot.
    SnapshotDiskFull,
    /// The snapshot is garbled, rollcall killed and started.
    SnapshotCorrupt,
    /// rollcall's clock is wrong by half a minute.
    ClockStep,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::BrokerKill,
        Self::BrokerPause,
        Self::ConnectionsClosed,
        Self::QueueDeleted,
        Self::ExchangeRedeclared,
        Self::ExchangeLost,
        Self::MemoryAlarm,
        Self::TcpReset,
        Self::TcpBlackHole,
        Self::RollcallKill,
        Self::RollcallTerm,
        Self::SnapshotDiskFull,
        Self::SnapshotCorrupt,
        Self::ClockStep,
    ];

    /// How long it lasts before it is healed, in milliseconds.
    pub fn lasting(self) -> Range<u32> {
        match self {
            // Heartbeats are 2 s: a silent broker is given up after about two of them.
            Self::BrokerPause | Self::TcpBlackHole => 5_000..7_500,
            // Written every 5 s.
            Self::SnapshotDiskFull => 5_500..7_000,
            Self::ClockStep => 3_000..6_000,
            Self::ConnectionsClosed | Self::QueueDeleted | Self::ExchangeLost => 0..1,
            _ => 1_000..4_000,
        }
    }

    /// Whether a flush that the broker has confirmed may not reach the proxies.
    pub fn loses_flushes(self) -> bool {
        matches!(
            self,
            Self::BrokerKill
                | Self::BrokerPause
                | Self::ConnectionsClosed
                | Self::ExchangeRedeclared
                | Self::ExchangeLost
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

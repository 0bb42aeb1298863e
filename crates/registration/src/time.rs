//! Seconds since two epochs, and which is meant.

/// Seconds from the year 0 (the Gregorian calendar's, as Erlang counts) to 1970-01-01.
pub const GREGORIAN_UNIX_OFFSET: u64 = 62_167_219_200;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// Reads a time as it stands in a Kazoo message: Kamailio writes Unix seconds, Kazoo's own
    /// nodes write Gregorian ones. No Unix time before the year 3940 reaches the Gregorian offset.
    pub fn from_wire(seconds: u64) -> Self {
        Self(
            seconds
                .checked_sub(GREGORIAN_UNIX_OFFSET)
                .unwrap_or(seconds),
        )
    }

    /// The same moment in Gregorian seconds, as Crossbar shows times.
    pub fn gregorian(self) -> u64 {
        self.0.saturating_add(GREGORIAN_UNIX_OFFSET)
    }

    /// The same moment in milliseconds.
    pub fn millis(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(1000))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The second this moment lies in.
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }

    /// This moment and `seconds` more.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_epochs_name_the_same_moment() {
        assert_eq!(
            UnixSeconds::from_wire(1_795_425_485),
            UnixSeconds(1_795_425_485)
        );
        assert_eq!(
            UnixSeconds::from_wire(63_962_644_685),
            UnixSeconds(1_795_425_485)
        );
        assert_eq!(UnixSeconds(1_795_425_485).gregorian(), 63_962_644_685);
    }

    #[test]
    fn the_far_future_does_not_overflow() {
        assert_eq!(UnixSeconds(u64::MAX).gregorian(), u64::MAX);
        assert_eq!(
            UnixSeconds(u64::MAX).millis().plus_seconds(1),
            UnixMillis(u64::MAX)
        );
    }
}

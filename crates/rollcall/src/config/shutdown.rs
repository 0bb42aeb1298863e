//! `[shutdown]`: the end of the process.

use std::time::Duration;

use super::reader::Reader;

/// `[shutdown]`
#[derive(Debug)]
pub struct Shutdown {
    /// How long running requests and deliveries may take to finish.
    pub drain_timeout: Duration,
}

impl Shutdown {
    pub(super) fn read(r: &mut Reader) -> Self {
        let drain_timeout = r.number("shutdown.drain_timeout", "seconds", 0..=600, 20);
        Self {
            drain_timeout: Duration::from_secs(drain_timeout),
        }
    }
}

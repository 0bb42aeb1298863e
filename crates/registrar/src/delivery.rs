//! What the adapter hands over.

use registration::Zone;

/// A message as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Zone it was delivered in.
    pub zone: &'a Zone,
    /// Its body.
    pub body: &'a [u8],
    /// The broker says that it may have been delivered before.
    pub redelivered: bool,
    /// It was sent to this process alone, in answer to what it asked.
    pub targeted: bool,
}

impl<'a> Delivery<'a> {
    /// Heard on the registrar exchange for the first time.
    pub fn new(zone: &'a Zone, body: &'a [u8]) -> Self {
        Self {
            zone,
            body,
            redelivered: false,
            targeted: false,
        }
    }
}

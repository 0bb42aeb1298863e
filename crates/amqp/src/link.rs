//! A zone's connection as others see it.

use std::sync::Mutex;

use registration::Zone;
use tokio::sync::watch;

use crate::publisher::Publisher;

/// Where a zone's connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not yet up since the start.
    Connecting,
    /// Events come in.
    Consuming,
    /// Down, with what was last wrong; it is being tried again.
    Down {
        /// What was last wrong.
        reason: String,
    },
}

/// What the supervisor, the bus and readers of its state share of a zone.
pub(crate) struct Link {
    pub(crate) zone: Zone,
    state: watch::Sender<LinkState>,
    publisher: Mutex<Option<Publisher>>,
}

impl Link {
    pub(crate) fn new(zone: Zone) -> Self {
        Self {
            zone,
            state: watch::Sender::new(LinkState::Connecting),
            publisher: Mutex::new(None),
        }
    }

    pub(crate) fn up(&self, publisher: Publisher) {
        *self.lock() = Some(publisher);
        self.state.send_replace(LinkState::Consuming);
    }

    pub(crate) fn down(&self, reason: &str) {
        *self.lock() = None;
        self.state.send_replace(LinkState::Down {
            reason: reason.to_owned(),
        });
    }

    pub(crate) fn publisher(&self) -> Option<Publisher> {
        self.lock().clone()
    }

    pub(crate) fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Publisher>> {
        // Nothing can panic while it is held; a poisoned lock would still hold a whole value.
        self.publisher
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! A zone's connection as the bus and the metrics see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registrar::PublishFailure;
use registration::Zone;

use crate::publisher::Publisher;

/// The state of a zone's connection, which its supervisor writes.
pub(crate) struct Link {
    pub(crate) zone: Zone,
    state: Mutex<State>,
}

enum State {
    /// Not up yet.
    Connecting,
    /// Deliveries come in.
    Up {
        publisher: Arc<Publisher>,
        is_notifier: bool,
        waiting: Option<u32>,
    },
    /// Down, for this reason.
    Down(String),
}

impl Link {
    pub(crate) fn new(zone: Zone) -> Self {
        Self {
            zone,
            state: Mutex::new(State::Connecting),
        }
    }

    /// Notes that deliveries come in.
    pub(crate) fn set_up(&self, publisher: Arc<Publisher>) {
        *self.lock() = State::Up {
            publisher,
            is_notifier: false,
            waiting: None,
        };
    }

    /// Notes that the connection is down.
    pub(crate) fn set_down(&self, reason: String) {
        *self.lock() = State::Down(reason);
    }

    /// The publisher, or why there is none.
    pub(crate) fn publisher(&self) -> Result<Arc<Publisher>, PublishFailure> {
        match &*self.lock() {
            State::Connecting => Err(PublishFailure::Connecting),
            State::Up { publisher, .. } => Ok(Arc::clone(publisher)),
            State::Down(reason) => Err(PublishFailure::Down(reason.clone())),
        }
    }

    /// Whether this node sends the zone's notices.
    pub(crate) fn is_notifier(&self) -> bool {
        matches!(&*self.lock(), State::Up { is_notifier, .. } if *is_notifier)
    }

    pub(crate) fn set_notifier(&self, elected: bool) {
        if let State::Up { is_notifier, .. } = &mut *self.lock() {
            *is_notifier = elected;
        }
    }

    /// The number of messages in the queue, if it is known.
    pub(crate) fn waiting(&self) -> Option<u32> {
        match &*self.lock() {
            State::Up { waiting, .. } => *waiting,
            _ => None,
        }
    }

    pub(crate) fn set_waiting(&self, messages: Option<u32>) {
        if let State::Up { waiting, .. } = &mut *self.lock() {
            *waiting = messages;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A zone's connection as others see it.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use registrar::LinkState;
use registration::Zone;
use tokio::sync::watch;

use crate::publisher::Publisher;

/// What the supervisor, the bus and readers of its state share of a zone.
pub(crate) struct Link {
    pub(crate) zone: Zone,
    state: watch::Sender<LinkState>,
    publisher: Mutex<Option<Publisher>>,
    leads: AtomicBool,
}

impl Link {
    pub(crate) fn new(zone: Zone) -> Self {
        Self {
            zone,
            state: watch::Sender::new(LinkState::Connecting),
            publisher: Mutex::new(None),
            leads: AtomicBool::new(false),
        }
    }

    pub(crate) fn up(&self, publisher: Publisher) {
        *self.lock() = Some(publisher);
        self.state.send_replace(LinkState::Consuming);
    }

    pub(crate) fn down(&self, reason: &str) {
        self.lead(false);
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

    /// Whether this node is the one of its zone to send notices.
    pub(crate) fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }

    pub(crate) fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Publisher>> {
        // Nothing can panic while it is held; a poisoned lock would still hold a whole value.
        self.publisher
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

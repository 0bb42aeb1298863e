//! A zone's connection as others see it.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use registrar::LinkState;
use registration::Zone;
use tokio::sync::watch;

use crate::publisher::Publisher;

/// Of how many messages wait.
const UNKNOWN: i64 = -1;

/// What the supervisor, the bus and readers of its state share of a zone.
pub(crate) struct Link {
    pub(crate) zone: Zone,
    state: watch::Sender<LinkState>,
    publisher: Mutex<Option<Publisher>>,
    leads: AtomicBool,
    waiting: AtomicI64,
}

impl Link {
    pub(crate) fn new(zone: Zone) -> Self {
        Self {
            zone,
            state: watch::Sender::new(LinkState::Connecting),
            publisher: Mutex::new(None),
            leads: AtomicBool::new(false),
            waiting: AtomicI64::new(UNKNOWN),
        }
    }

    pub(crate) fn up(&self, publisher: Publisher) {
        *self.lock() = Some(publisher);
        self.state.send_replace(LinkState::Consuming);
    }

    pub(crate) fn down(&self, reason: &str) {
        self.lead(false);
        self.waits(None);
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

    /// How many messages wait in the queue, as last seen.
    pub(crate) fn waiting(&self) -> Option<u64> {
        u64::try_from(self.waiting.load(Ordering::Relaxed)).ok()
    }

    pub(crate) fn waits(&self, messages: Option<u32>) {
        let messages = messages.map_or(UNKNOWN, i64::from);
        self.waiting.store(messages, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Publisher>> {
        // Nothing can panic while it is held; a poisoned lock would still hold a whole value.
        self.publisher
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! Notices to the cluster of registrations that came, went, and took another's place.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kapi::{Notice, encode_notice};
use registration::Registration;
use tokio::sync::mpsc;

use crate::{
    cache::{Change, ChangeKind, ChangeListener, EntryRef},
    context::Context,
    metrics::{NOTICE_LOST, NOTICE_SENT},
};

/// The most changes that may wait; further ones are dropped and counted.
const MAX_WAITING: usize = 10_000;

/// Which notices are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticeSettings {
    /// `notifications.sip.register`.
    pub register: bool,
    /// `notifications.sip.deregister`.
    pub deregister: bool,
    /// `register_overwrites.<realm>`.
    pub overwrite: bool,
}

impl NoticeSettings {
    /// Whether there is anything to send.
    pub fn any(self) -> bool {
        self.register || self.deregister || self.overwrite
    }
}

/// The sender of notices.
pub struct Notices {
    settings: NoticeSettings,
    changes: mpsc::Receiver<Change>,
    lost: Arc<AtomicU64>,
}

impl Notices {
    /// The sender, and the listener that it learns from.
    pub fn new(settings: NoticeSettings) -> (Self, ChangeListener) {
        let (sender, changes) = mpsc::channel(MAX_WAITING);
        let lost = Arc::<AtomicU64>::default();
        let notices = Self {
            settings,
            changes,
            lost: Arc::clone(&lost),
        };
        let listener = move |change: &Change| {
            let is_news = !matches!(
                change.kind,
                ChangeKind::Refreshed | ChangeKind::Flushed | ChangeKind::Restored
            );
            if is_news && sender.try_send(change.clone()).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        };
        (notices, ChangeListener::new(listener))
    }

    /// How many changes wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// Sends the notices of changes. Never ends.
    pub(crate) async fn run(mut self, context: Arc<Context>) {
        while let Some(change) = self.changes.recv().await {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                context.metrics.add(NOTICE_LOST, lost);
                tracing::warn!(lost, "changes came faster than notices could be sent");
            }
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            let (before, after) = (
                before.map(EntryRef::registration),
                after.map(EntryRef::registration),
            );
            for (about, notice) in self.due(&change, before.as_ref(), after.as_ref()) {
                if context.bus.leads(&about.zone) {
                    publish(&context, about, notice).await;
                }
            }
        }
    }

    /// The notices of a change, each with the registration it is about.
    fn due<'a>(
        &self,
        change: &Change,
        before: Option<&'a Registration>,
        after: Option<&'a Registration>,
    ) -> Vec<(&'a Registration, Notice<'a>)> {
        let mut due = Vec::new();
        let ended = matches!(
            change.kind,
            ChangeKind::Unregistered | ChangeKind::Expired | ChangeKind::Vanished
        );
        if let Some(now) = after
            && self.settings.register
            && change.is_first
            // Receivers expect an account.
            && now.account.id.is_some()
        {
            due.push((now, Notice::Registered(now)));
        }
        if let (ChangeKind::Moved, Some(was), Some(now)) = (change.kind, before, after)
            && self.settings.overwrite
            && now.register_overwrite_notify
        {
            let previous_contact = &was.contact;
            due.push((
                now,
                Notice::Overwritten {
                    now,
                    previous_contact,
                },
            ));
        }
        if let (true, Some(was)) = (ended && self.settings.deregister, before)
            && was.account.id.is_some()
            && !change
                .suppress_unregister_notify
                .unwrap_or(was.suppress_unregister_notify)
        {
            let by_phone = change.kind == ChangeKind::Unregistered;
            due.push((was, Notice::Deregistered { was, by_phone }));
        }
        due
    }
}

async fn publish(context: &Context, about: &Registration, notice: Notice<'_>) {
    let (exchange, routing_key, body) = encode_notice(notice, &context.settings.identity);
    let zone = Some(&about.zone);
    let receipt = context.publish(zone, exchange, routing_key, body).await;
    let sent = receipt.confirmed.len() as u64;
    context.metrics.add(NOTICE_SENT, sent);
    for (zone, reason) in receipt.missing {
        context.metrics.add(NOTICE_LOST, 1);
        tracing::warn!(%zone, %reason, exchange, "a notice could not be sent");
    }
}

#[cfg(test)]
#[path = "notices_tests.rs"]
mod tests;

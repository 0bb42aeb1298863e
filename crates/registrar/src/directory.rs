//! Asks Kazoo's directory for the account and device of a registration whose event did not name them.

use std::{sync::Arc, time::Duration};

use dashmap::DashSet;
use kapi::{Content, Device, authn_routes, encode_authn};
use moka::sync::Cache;
use registration::{Aor, Registration};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    cache::{ChangeKind, ChangeListener},
    context::Context,
    metrics::{IDENTIFIED, UNIDENTIFIED},
};

/// The most AORs that may wait; further ones are asked for at their next event.
const MAX_WAITING: usize = 10_000;
/// Questions that are open at once.
const MAX_AT_ONCE: usize = 32;
/// How long an answer is kept.
const KEEP: Duration = Duration::from_mins(5);
const MAX_KEPT: u64 = 100_000;
/// How long the directory has to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for another node's answer after one that does not know the AOR.
const SECOND_OPINION: Duration = Duration::from_millis(300);

struct Wanted {
    aor: Aor,
    is_first: bool,
}

/// The AORs that wait to be asked for, and the answers that are kept.
pub struct Directory {
    wanted: mpsc::Receiver<Wanted>,
    waiting: Arc<DashSet<Aor>>,
    known: Cache<Aor, Option<Arc<Device>>>,
    rate: u32,
}

/// The way in for AORs to be asked for.
struct Queue {
    sender: mpsc::Sender<Wanted>,
    waiting: Arc<DashSet<Aor>>,
}

impl Queue {
    /// Has an AOR asked for, unless it waits already.
    fn ask(&self, aor: Aor, is_first: bool) {
        if self.waiting.insert(aor.clone())
            && let Err(refused) = self.sender.try_send(Wanted { aor, is_first })
        {
            self.waiting.remove(&refused.into_inner().aor);
        }
    }
}

impl Directory {
    /// A directory that asks at most `rate` questions a second, and the listener that it learns from.
    pub fn new(rate: u32) -> (Self, ChangeListener) {
        let (sender, wanted) = mpsc::channel(MAX_WAITING);
        let waiting = Arc::new(DashSet::new());
        let known = Cache::builder()
            .max_capacity(MAX_KEPT)
            .time_to_live(KEEP)
            .build();
        let directory = Self {
            wanted,
            waiting: Arc::clone(&waiting),
            known,
            rate: rate.max(1),
        };
        let queue = Queue { sender, waiting };
        let listener = ChangeListener::new(move |change| {
            let lacking = change.after.as_ref().filter(|after| after.lacks_data());
            if let Some(after) = lacking.filter(|_| change.kind != ChangeKind::Identified) {
                queue.ask(after.aor(), change.is_first);
            }
        });
        (directory, listener)
    }

    /// How many AORs wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.wanted.len()
    }

    /// Asks for the AORs that come. Never ends.
    pub(crate) async fn run(mut self, context: Arc<Context>) {
        let mut ticks = interval(Duration::from_secs(1) / self.rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let open = Arc::new(Semaphore::new(MAX_AT_ONCE));
        while let Some(wanted) = self.wanted.recv().await {
            if let Some(known) = self.known.get(&wanted.aor) {
                self.waiting.remove(&wanted.aor);
                identify(&context, &wanted, known.as_deref());
                continue;
            }
            ticks.tick().await;
            let Ok(permit) = Arc::clone(&open).acquire_owned().await else {
                return;
            };
            let (waiting, known) = (Arc::clone(&self.waiting), self.known.clone());
            let context = Arc::clone(&context);
            tokio::spawn(async move {
                let answer = ask(&context, &wanted.aor).await;
                waiting.remove(&wanted.aor);
                if let Some(device) = answer {
                    known.insert(wanted.aor.clone(), device.clone());
                    identify(&context, &wanted, device.as_deref());
                }
                drop(permit);
            });
        }
    }
}

/// What the directory says of an AOR: `Some(None)` if it does not know it, `None` if it does not answer.
async fn ask(context: &Context, aor: &Aor) -> Option<Option<Arc<Device>>> {
    let registration = context.cache.get(aor)?;
    let mut question = context.questions.open();
    let (username, realm) = (registration.username(), registration.realm());
    let identity = &context.settings.identity;
    for (exchange, routing_key) in authn_routes(realm) {
        let body = encode_authn(username, realm, question.msg_id(), identity);
        let zone = Some(registration.zone());
        context.publish(zone, exchange, routing_key, body).await;
    }
    let mut deadline = Instant::now() + TIMEOUT;
    let mut known = None;
    while let Some(answer) = question.next(deadline).await {
        match answer.content {
            Content::Device(device) => return Some(Some(Arc::new(*device))),
            Content::UnknownDevice => {
                known = Some(None);
                deadline = deadline.min(Instant::now() + SECOND_OPINION);
            }
            _ => {}
        }
    }
    known
}

/// Adds to a registration what the directory knows and the event did not say.
fn identify(context: &Context, wanted: &Wanted, device: Option<&Device>) {
    let Some(device) = device else {
        context.metrics.add(UNIDENTIFIED, 1);
        return;
    };
    let is_identified = context
        .cache
        .amend(&wanted.aor, wanted.is_first, |registration| {
            device
                .adds_to(registration)
                .then(|| identified(registration, device))
        });
    context.metrics.add(IDENTIFIED, u64::from(is_identified));
}

fn identified(registration: &Registration, device: &Device) -> Registration {
    let (known, told) = (&registration.account, &device.account);
    let or = |known: &Option<registration::Text>, told: &Option<registration::Text>| {
        known.clone().or_else(|| told.clone())
    };
    Registration {
        account: registration::AccountData {
            id: known.id.or(told.id),
            realm: or(&known.realm, &told.realm),
            name: or(&known.name, &told.name),
            authorizing_id: or(&known.authorizing_id, &told.authorizing_id),
            authorizing_type: or(&known.authorizing_type, &told.authorizing_type),
            owner_id: or(&known.owner_id, &told.owner_id),
            presence_id: or(&known.presence_id, &told.presence_id),
        },
        suppress_unregister_notify: device
            .suppress_unregister_notify
            .unwrap_or(registration.suppress_unregister_notify),
        register_overwrite_notify: device
            .register_overwrite_notify
            .unwrap_or(registration.register_overwrite_notify),
        ..registration.clone()
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;

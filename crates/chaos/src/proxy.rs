//! A proxy: what it holds, what it says, what it was told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use registration::{Clock as _, SystemClock};
use serde_json::Value;
use tokio::sync::{Notify, mpsc::UnboundedSender};

use crate::{
    fleet::Phone,
    history::History,
    truth::{Row, Truth},
    wire::{self, Speaker, Status},
};

/// A summary lists at most so many in one message.
const PER_PART: usize = 50;

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemClock.now().0
}

/// A message to go out: exchange, routing key, body.
pub(crate) type Outgoing = (&'static str, String, Vec<u8>);

/// A flush that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// Of which realm.
    pub realm: String,
    /// Of whom there; `None` for all.
    pub username: Option<String>,
}

/// Its channels to the broker, while there are any.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) channels: Vec<UnboundedSender<Outgoing>>,
    pub(crate) bound_since: Option<Instant>,
}

/// A proxy.
pub struct Proxy {
    pub(crate) speaker: Speaker,
    pub(crate) lines: Mutex<Lines>,
    pub(crate) rebind: Notify,
    truth: Mutex<Truth>,
    seen: Mutex<Vec<Seen>>,
    phones: Arc<BTreeMap<String, Phone>>,
    history: Arc<History>,
    turn: AtomicU64,
    /// Events that were published.
    pub sent: AtomicU64,
    /// Events that were lost, since there was no broker.
    pub lost: AtomicU64,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// The `number`th proxy.
    pub fn new(
        number: usize,
        phones: Arc<BTreeMap<String, Phone>>,
        history: Arc<History>,
    ) -> Arc<Self> {
        Arc::new(Self {
            speaker: Speaker {
                node: format!("kamailio@proxy{number}.chaos"),
                ip: format!("203.0.113.{number}"),
            },
            lines: Mutex::default(),
            rebind: Notify::new(),
            truth: Mutex::default(),
            seen: Mutex::default(),
            phones,
            history,
            turn: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        })
    }

    /// Its node name.
    pub fn node(&self) -> &str {
        &self.speaker.node
    }

    /// Since when it is bound to flushes, if it is.
    pub fn bound_since(&self) -> Option<Instant> {
        lock(&self.lines).bound_since
    }

    /// Counts as unbound until it is bound again, which it is to do at once.
    pub fn lose_bindings(&self) {
        lock(&self.lines).bound_since = None;
    }

    /// Binds its queues again.
    pub fn bind_again(&self) {
        self.rebind.notify_one();
    }

    /// Whether a flush came after `since`.
    pub fn has_seen(&self, since: Instant, realm: &str, username: Option<&str>) -> bool {
        let seen = lock(&self.seen);
        seen.iter().rev().any(|flush| {
            flush.at >= since && flush.realm == realm && flush.username.as_deref() == username
        })
    }

    /// A phone registers for so many seconds.
    pub fn register(&self, phone: &Phone, contact: String, expires: u32) {
        let (now, aor) = (now(), phone.aor());
        let mut truth = lock(&self.truth);
        let row = Row {
            call_id: format!("{contact}@{}", self.speaker.ip),
            contact,
            modified: now / 1000,
            expires: now / 1000 + u64::from(expires),
        };
        let before = truth.register(now, &aor, row.clone());
        let first = before.is_none_or(|before| before.contact != row.contact);
        self.tell(phone, &row, Status::Registered { first }, now);
    }

    /// A phone unregisters; if it is not registered here, the proxy says so too.
    pub fn unregister(&self, phone: &Phone, contact: String) {
        let now = now();
        let mut truth = lock(&self.truth);
        let (row, first) = match truth.remove(now, &phone.aor()) {
            Some(row) => (row, false),
            None => (
                Row {
                    call_id: format!("{contact}@{}", self.speaker.ip),
                    contact,
                    modified: now / 1000,
                    expires: now / 1000,
                },
                true,
            ),
        };
        self.tell(phone, &row, Status::Unregistered { first }, now);
    }

    /// A phone is gone without a word.
    pub fn lose(&self, phone: &Phone) {
        let gone = lock(&self.truth).remove(now(), &phone.aor()).is_some();
        if gone {
            let line = format!("{} lost it in silence", self.node());
            self.history.note(&phone.aor(), &line);
        }
    }

    fn tell(&self, phone: &Phone, row: &Row, status: Status, now: u64) {
        let body = wire::reg_success(&self.speaker, phone, row, status, now / 1000);
        let sent = self.send(("registrar", wire::success_key(phone), body));
        let count = if sent { &self.sent } else { &self.lost };
        count.fetch_add(1, Ordering::Relaxed);
        let fate = if sent { "sent" } else { "LOST" };
        let line = format!(
            "{} {status:?} {} until {} at {}.{:03} ({fate})",
            self.node(),
            row.contact,
            row.expires,
            now / 1000,
            now % 1000,
        );
        self.history.note(&phone.aor(), &line);
    }

    /// Hands a message to the next of its channels; false if there is none.
    fn send(&self, message: Outgoing) -> bool {
        let lines = lock(&self.lines);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = lines.channels.len().max(1) as u64;
        let next = usize::try_from(turn % count).unwrap_or_default();
        lines
            .channels
            .get(next)
            .is_some_and(|channel| channel.send(message).is_ok())
    }

    /// Obeys a message that came by one of its queues.
    pub(crate) fn obey(&self, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        match text("Event-Name") {
            Some("reg_flush") => self.flush(text("Realm").unwrap_or_default(), text("Username")),
            Some("reg_sync") => self.replay(text("Server-ID").unwrap_or_default()),
            Some("search_req") => self.answer(&body),
            _ => {}
        }
    }

    fn flush(&self, realm: &str, username: Option<&str>) {
        lock(&self.seen).push(Seen {
            at: Instant::now(),
            realm: realm.to_owned(),
            username: username.map(str::to_owned),
        });
        let dropped = lock(&self.truth).flush(now(), realm, username);
        for aor in dropped {
            let line = format!("{} flushed it", self.node());
            self.history.note(&aor, &line);
        }
    }

    fn replay(&self, server_id: &str) {
        let now = now();
        let rows = lock(&self.truth).written(now).clone();
        for (aor, row) in rows {
            if let Some(phone) = self.phones.get(&aor)
                && row.expires > now / 1000
            {
                let body =
                    wire::reg_success(&self.speaker, phone, &row, Status::Success, now / 1000);
                self.send(("targeted", server_id.to_owned(), body));
            }
        }
    }

    fn answer(&self, question: &Value) {
        let text = |key: &str| question.get(key).and_then(Value::as_str);
        let (realm, username) = (text("Realm").unwrap_or_default(), text("Username"));
        let is_detail = text("Search-Type") == Some("detail");
        let rows = lock(&self.truth).written(now()).clone();
        let wanted = rows.iter().filter(|(aor, _)| {
            aor.rsplit_once('@').is_some_and(|(user, host)| {
                host == realm && username.is_none_or(|name| name == user)
            })
        });
        let items: Vec<Value> = wanted
            .map(|(aor, row)| {
                if is_detail {
                    wire::detail(&self.speaker, aor, row)
                } else {
                    Value::String(aor.clone())
                }
            })
            .collect();
        let (asker, id) = (
            text("Server-ID").unwrap_or_default(),
            text("Msg-ID").unwrap_or_default(),
        );
        for part in items.chunks(PER_PART).chain([&[][..]]) {
            let body = wire::search_answer(&self.speaker, part, id);
            self.send(("targeted", asker.to_owned(), body));
        }
    }

    /// What it holds now.
    pub fn held(&self) -> BTreeMap<String, Row> {
        lock(&self.truth).held(now()).clone()
    }

    /// What its database says now.
    pub fn written(&self) -> BTreeMap<String, Row> {
        lock(&self.truth).written(now()).clone()
    }

    /// What expired here and has not come back.
    pub fn expired(&self) -> BTreeMap<String, u64> {
        lock(&self.truth).expired(now()).clone()
    }
}

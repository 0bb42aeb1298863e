//! A bus for tests: keeps what it is given, fails when told to, and lets a test answer.

use std::sync::{Arc, Mutex};

use kapi::Identity;
use registration::{Clock as _, ManualClock, UnixMillis, Zone};
use serde_json::{Value, json};

use crate::{
    Accounts, Bus, BusFuture, ChangeListener, Delivery, Publication, PublishFailure, Receipt,
    Registrar, Settings,
};

pub(crate) const T0: u64 = 1_795_425_485;
pub(crate) const ACCOUNT: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
pub(crate) const REALM: &str = "main.example.com";
pub(crate) const NODE: &str = "kamailio@a";

type Answering = dyn Fn(&Value) -> Vec<Value> + Send + Sync;

/// The bus. What [`Memory::answer_with`] makes of a message is delivered at once.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) sent: Mutex<Vec<Publication>>,
    pub(crate) down: Mutex<bool>,
    answering: Mutex<Option<Arc<Answering>>>,
    registrar: Mutex<Option<std::sync::Weak<Registrar>>>,
}

impl Memory {
    pub(crate) fn sent(&self) -> Vec<(String, Value)> {
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .map(|p| {
                (
                    p.routing_key.clone(),
                    serde_json::from_slice(&p.body).unwrap(),
                )
            })
            .collect()
    }

    pub(crate) fn answer_with(
        &self,
        answer: impl Fn(&Value) -> Vec<Value> + Send + Sync + 'static,
    ) {
        *self.answering.lock().unwrap() = Some(Arc::new(answer));
    }
}

impl Bus for Memory {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let zone = Zone::new("local");
            if *self.down.lock().unwrap() {
                return Receipt {
                    confirmed: vec![],
                    missing: vec![(zone, PublishFailure::Connecting)],
                };
            }
            self.sent.lock().unwrap().push(publication.clone());
            let answering = self.answering.lock().unwrap().clone();
            let registrar = self
                .registrar
                .lock()
                .unwrap()
                .as_ref()
                .and_then(std::sync::Weak::upgrade);
            if let (Some(answering), Some(registrar)) = (answering, registrar) {
                let question: Value = serde_json::from_slice(&publication.body).unwrap();
                for mut answer in answering(&question) {
                    let headers = answer.as_object_mut().unwrap();
                    headers
                        .entry("Msg-ID")
                        .or_insert(question["Msg-ID"].clone());
                    targeted(&registrar, &answer);
                }
            }
            Receipt {
                confirmed: vec![zone],
                missing: vec![],
            }
        })
    }
}

pub(crate) fn targeted(registrar: &Registrar, body: &Value) {
    let body = body.to_string();
    let zone = Zone::new("local");
    registrar.deliver(Delivery {
        targeted: true,
        ..Delivery::new(&zone, body.as_bytes())
    });
}

/// A registrar with its bus and its clock.
pub(crate) struct World {
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) bus: Arc<Memory>,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new(listeners: Vec<ChangeListener>) -> Self {
        Self::with(listeners, Vec::new())
    }

    /// One that counts registrations by these zones.
    pub(crate) fn in_zones<const N: usize>(zones: [&str; N]) -> Self {
        Self::with(Vec::new(), zones.map(Zone::new).into())
    }

    pub(crate) fn with(listeners: Vec<ChangeListener>, zones: Vec<Zone>) -> Self {
        let bus = Arc::new(Memory::default());
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let registrar = Arc::new(Registrar::new(
            Settings {
                zones,
                ..Settings::new(Identity::new("rollcall@test").unwrap())
            },
            Accounts::new([].into()),
            Arc::<Memory>::clone(&bus),
            Arc::<ManualClock>::clone(&clock),
            listeners,
        ));
        *bus.registrar.lock().unwrap() = Some(Arc::downgrade(&registrar));
        Self {
            registrar,
            bus,
            clock,
        }
    }

    pub(crate) fn tell(&self, event: &Value) {
        let body = event.to_string();
        let zone = Zone::new("local");
        self.registrar
            .deliver(Delivery::new(&zone, body.as_bytes()));
    }

    /// An event of now.
    pub(crate) fn event(&self, username: &str, more: &Value) -> Value {
        let mut event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Username": username, "Realm": REALM,
            "Contact": format!("<sip:{username}@192.0.2.1>"), "Expires": 600, "Node": NODE,
            "Event-Timestamp": self.clock.now().seconds().0, "First-Registration": true,
            "Account-ID": ACCOUNT, "Authorizing-ID": "d", "Account-Realm": REALM,
        });
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        event
    }

    pub(crate) fn register(&self, username: &str) {
        self.tell(&self.event(username, &json!({})));
    }

    /// Every live registration.
    pub(crate) fn all(&self) -> Vec<Arc<registration::Registration>> {
        let all = self.registrar.cache().all();
        all.iter()
            .map(|held| Arc::new(held.registration()))
            .collect()
    }

    /// Who is registered, by username.
    pub(crate) fn users(&self) -> Vec<String> {
        let mut users: Vec<_> = self
            .registrar
            .cache()
            .all()
            .iter()
            .map(|held| held.username().to_owned())
            .collect();
        users.sort();
        users
    }

    pub(crate) fn count(&self, kind: &str, reason: &str) -> u64 {
        self.registrar.metrics().of(kind, reason)
    }
}

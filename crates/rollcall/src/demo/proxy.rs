//! Simulated Kamailio proxies: they publish what real ones publish, and obey flushes.

use std::{collections::HashSet, sync::Arc};

use kapi::{Event, Limits, decode};
use registration::Clock;
use serde_json::json;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

use super::{
    bus::LocalBus,
    phones::{EXPIRES, Fleet, Phone, REFRESH},
};

/// One proxy and the phones that register with it.
pub(super) struct Proxy {
    number: usize,
    /// In the order of their phases.
    phones: Vec<Phone>,
    /// Device ids of those that are registered.
    registered: HashSet<String>,
    bus: Arc<LocalBus>,
    clock: Arc<dyn Clock>,
}

/// Two proxies that share the fleet.
pub(super) fn proxies(fleet: &Fleet, bus: &Arc<LocalBus>, clock: &Arc<dyn Clock>) -> Vec<Proxy> {
    let phones = |number| {
        fleet
            .phones
            .iter()
            .skip(number)
            .step_by(2)
            .cloned()
            .collect()
    };
    [0, 1]
        .map(|number| Proxy {
            number: number + 1,
            phones: phones(number),
            registered: HashSet::new(),
            bus: Arc::clone(bus),
            clock: Arc::clone(clock),
        })
        .into()
}

impl Proxy {
    /// Publishes each phone's REGISTER, once at the start and then every [`REFRESH`].
    pub(super) async fn run(mut self) {
        let mut flushes = self.bus.flushes();
        let phones = self.phones.clone();
        for phone in &phones {
            if !self.register(phone).await {
                return;
            }
        }
        let mut round = Instant::now();
        loop {
            for phone in &phones {
                while let Ok(flush) = timeout_at(round + phone.phase, flushes.recv()).await {
                    match flush {
                        Ok(body) => self.flush(&body),
                        Err(RecvError::Lagged(missed)) => {
                            tracing::warn!(missed, "a simulated proxy missed flushes");
                        }
                        Err(RecvError::Closed) => return,
                    }
                }
                if !self.register(phone).await {
                    return;
                }
            }
            round += REFRESH;
        }
    }

    async fn register(&mut self, phone: &Phone) -> bool {
        let first = self.registered.insert(phone.device_id.clone());
        let body = self.reg_success(phone, first);
        self.bus.publish_event(body).await
    }

    fn flush(&mut self, body: &[u8]) {
        let Ok(Event::Flush(flush, _)) = decode(body, Limits::default()) else {
            return;
        };
        if flush.cache_only {
            return;
        }
        for phone in &self.phones {
            let named = flush
                .username
                .as_ref()
                .is_none_or(|name| name.eq_ignore_ascii_case(&phone.username));
            if named && flush.realm.eq_ignore_ascii_case(&phone.account.realm) {
                self.registered.remove(&phone.device_id);
            }
        }
    }

    /// The event as Kazoo's Kamailio writes it.
    fn reg_success(&self, phone: &Phone, first: bool) -> Vec<u8> {
        let Phone {
            account,
            username,
            ip,
            port,
            ..
        } = phone;
        let proxy_ip = format!("203.0.113.{}", self.number);
        let node = format!("kamailio@proxy{}.demo", self.number);
        let body = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Status": "Registered",
            "Event-Timestamp": self.clock.now().seconds().0, "Expires": EXPIRES, "First-Registration": first,
            "Contact": format!("<sip:{username}@{ip}:{port};transport=udp>"),
            "Call-ID": format!("{}@{ip}", phone.device_id.get(..12).unwrap_or_default()),
            "Realm": account.realm, "Username": username,
            "From-User": username, "From-Host": account.realm, "To-User": username, "To-Host": account.realm,
            "User-Agent": phone.user_agent,
            "Custom-Channel-Vars": {
                "Username": username, "Realm": account.realm, "Account-ID": account.id,
                "Account-Realm": account.realm, "Account-Name": account.name,
                "Authorizing-ID": phone.device_id, "Authorizing-Type": "device", "Owner-ID": phone.owner_id,
                "Suppress-Unregister-Notifications": true, "Register-Overwrite-Notify": false,
            },
            "Proxy-Path": format!("sip:{proxy_ip}:5060;transport=udp"), "Proxy-Protocol": "udp",
            "Proxy-IP": proxy_ip, "Proxy-Port": "5060", "Source-IP": ip, "Source-Port": port.to_string(),
            "App-Name": "kamailio", "App-Version": "5.6.3", "Node": node,
            "Msg-ID": kapi::Identity::message_id(), "Server-ID": "",
        });
        body.to_string().into_bytes()
    }
}

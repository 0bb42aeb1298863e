//! A stand-in for Kazoo's directory: tells proxies a device's password and whose it is.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{amqp::Client, subscribers::Subscriber};

/// Stock Kamailio drops answers that come before it has filed the question.
const PAUSE: Duration = Duration::from_millis(3);
/// Questions that are answered at once.
const CONCURRENCY: usize = 64;

/// A running directory; ends when dropped.
pub struct Directory(JoinHandle<()>);

impl Directory {
    /// Connects and starts to answer.
    pub async fn start(uri: &str, subscribers: &[Subscriber]) -> anyhow::Result<Self> {
        let client = Arc::new(Client::connect(uri).await?);
        // Kazoo's open repository asks on `callmgr`, its production on `registrar`.
        let bindings = [
            ("registrar", "authn.endpoint.req.*"),
            ("callmgr", "authn.req.*"),
            ("targeted", "rollcall-lab-directory"),
        ];
        let questions = client.consume(&bindings).await?;
        let key = |s: &Subscriber| {
            (
                s.username.to_ascii_lowercase(),
                s.realm.to_ascii_lowercase(),
            )
        };
        let known: Arc<HashMap<_, _>> =
            Arc::new(subscribers.iter().map(|s| (key(s), s.clone())).collect());
        Ok(Self(tokio::spawn(async move {
            let answers = questions.for_each_concurrent(CONCURRENCY, |delivery| {
                let (client, known) = (Arc::clone(&client), Arc::clone(&known));
                async move {
                    if let Ok(delivery) = delivery
                        && let Err(error) = answer(&client, &known, &delivery.data).await
                    {
                        tracing::warn!(%error, "a question could not be answered");
                    }
                }
            });
            answers.await;
        })))
    }

    /// Waits until it ends, which is when the broker goes.
    pub async fn ended(&mut self) {
        let _ = (&mut self.0).await;
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Known = HashMap<(String, String), Subscriber>;

async fn answer(client: &Client, known: &Known, question: &[u8]) -> anyhow::Result<()> {
    let question: Value = serde_json::from_slice(question)?;
    let text = |key: &str| {
        question
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("Event-Name") != "authn_req" {
        return Ok(());
    }
    let who = (
        text("Auth-User").to_ascii_lowercase(),
        text("Auth-Realm").to_ascii_lowercase(),
    );
    let body = response(known.get(&who), text("Msg-ID"));
    tokio::time::sleep(PAUSE).await;
    let body = body.to_string();
    client
        .publish("targeted", text("Server-ID"), body.as_bytes())
        .await
}

fn response(subscriber: Option<&Subscriber>, msg_id: &str) -> Value {
    let mut body = json!({
        "Msg-ID": msg_id, "App-Name": "registrar", "App-Version": "4.0.0", "Node": "kazoo_apps@lab",
        "Event-Category": "directory", "Event-Name": "authn_err",
    });
    let answer = match subscriber {
        None => json!({"Defer-Response": "true"}),
        Some(s) => json!({
            "Event-Name": "authn_resp", "Auth-Password": s.password, "Auth-Method": "password",
            "Suppress-Unregister-Notifications": false, "Register-Overwrite-Notify": true,
            "Custom-Channel-Vars": {
                "Username": s.username, "Realm": s.realm, "Account-ID": s.account_id,
                "Authorizing-ID": s.device_id, "Authorizing-Type": "device", "Owner-ID": s.owner_id,
                "Account-Realm": s.realm, "Account-Name": s.account_name,
                "Presence-ID": format!("{}@{}", s.username, s.realm),
                "Suppress-Unregister-Notifications": false, "Register-Overwrite-Notify": true,
            },
        }),
    };
    if let (Some(body), Value::Object(answer)) = (body.as_object_mut(), answer) {
        body.extend(answer);
    }
    body
}

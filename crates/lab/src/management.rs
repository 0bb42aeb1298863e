//! A vhost of a broker, seen through RabbitMQ's management API.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method, Response};
use serde::Deserialize;

use crate::{secrets::BROKER_PASSWORD, wait};

/// How long the API may list a connection that is closed.
const CLOSING: Duration = Duration::from_secs(10);

/// A queue.
#[derive(Clone, Debug, Deserialize)]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// Messages in it, unacknowledged ones included. The API counts with a delay.
    #[serde(default)]
    pub messages: u64,
    /// Consumers of it.
    #[serde(default)]
    pub consumers: u64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// A vhost: its AMQP URI, and what the management API can do to it.
#[derive(Clone, Debug)]
pub struct Vhost {
    name: String,
    amqp: String,
    api: String,
    client: Client,
}

impl Vhost {
    pub(crate) fn new(name: &str, amqp_port: u16, api_port: u16) -> Self {
        Self {
            name: name.to_owned(),
            amqp: format!(
                "amqp://guest:{BROKER_PASSWORD}@127.0.0.1:{amqp_port}/{}",
                escaped(name)
            ),
            api: format!("http://127.0.0.1:{api_port}/api"),
            client: crate::http::client(),
        }
    }

    /// Its AMQP URI.
    pub fn uri(&self) -> &str {
        &self.amqp
    }

    pub(crate) async fn create(&self) -> anyhow::Result<()> {
        let vhost = escaped(&self.name);
        self.call(Method::PUT, &format!("vhosts/{vhost}"), "{}")
            .await?;
        self.allow("guest").await
    }

    /// Its queues.
    pub async fn queues(&self) -> anyhow::Result<Vec<QueueInfo>> {
        let response = self
            .call(Method::GET, &format!("queues/{}", escaped(&self.name)), "")
            .await?;
        response.json().await.context("the queues cannot be read")
    }

    /// The queue of a name.
    pub async fn queue(&self, name: &str) -> anyhow::Result<QueueInfo> {
        let queues = self.queues().await?;
        queues
            .into_iter()
            .find(|queue| queue.name == name)
            .with_context(|| format!("there is no queue {name}"))
    }

    /// Deletes a queue, whoever uses it.
    pub async fn delete_queue(&self, name: &str) -> anyhow::Result<()> {
        let path = format!("queues/{}/{}", escaped(&self.name), escaped(name));
        self.call(Method::DELETE, &path, "").await.map(drop)
    }

    /// Deletes an exchange, with all bindings to it.
    pub async fn delete_exchange(&self, name: &str) -> anyhow::Result<()> {
        let path = format!("exchanges/{}/{}", escaped(&self.name), escaped(name));
        self.call(Method::DELETE, &path, "").await.map(drop)
    }

    /// Adds a user of the broker who has no password, and may do everything here.
    pub async fn add_user(&self, name: &str) -> anyhow::Result<()> {
        let nobody = r#"{"password_hash":"","tags":""}"#;
        self.call(Method::PUT, &format!("users/{name}"), nobody)
            .await?;
        self.allow(name).await
    }

    async fn allow(&self, user: &str) -> anyhow::Result<()> {
        let rights = r#"{"configure":".*","write":".*","read":".*"}"#;
        let path = format!("permissions/{}/{user}", escaped(&self.name));
        self.call(Method::PUT, &path, rights).await.map(drop)
    }

    /// Closes every connection to it. Returns how many there were.
    pub async fn close_connections(&self) -> anyhow::Result<usize> {
        let path = format!("vhosts/{}/connections", escaped(&self.name));
        let connections: Vec<Named> = self.call(Method::GET, &path, "").await?.json().await?;
        for connection in &connections {
            let path = format!("connections/{}", escaped(&connection.name));
            if let Err(error) = self.call(Method::DELETE, &path, "").await {
                // It may have been listed though it was closed already.
                wait::until("a connection to be gone", CLOSING, async || {
                    let listed = self.call(Method::GET, &path, "").await;
                    anyhow::ensure!(listed.is_err(), "{error:#}");
                    Ok(())
                })
                .await?;
            }
        }
        Ok(connections.len())
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: &'static str,
    ) -> anyhow::Result<Response> {
        let request = self
            .client
            .request(method, format!("{}/{path}", self.api))
            .basic_auth("guest", Some(BROKER_PASSWORD));
        let response = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        let status = response.status();
        ensure!(
            status.is_success(),
            "the management API answered {status} to {path}"
        );
        Ok(response)
    }
}

fn escaped(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    name.bytes().map(escape).collect()
}

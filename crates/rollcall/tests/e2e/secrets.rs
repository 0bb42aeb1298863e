//! No log at any level shows a token or a password: rollcall's log is searched whenever one ends
//! (`lab::process`). Here it says all that it can say, and every way that a secret comes in is taken.

use std::fs;

use anyhow::ensure;
use lab::{
    broker::vhost, kamailio, rollcall::TOKEN, secrets::BROKER_PASSWORD, secrets::shown,
    subscribers::generate,
};
use reqwest::{Client, header::AUTHORIZATION};
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::world::{PATIENCE, REALMS, World};

/// A token as Kazoo makes them, with a signature of no key.
const JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleTEifQ.eyJpc3MiOiJrYXpvbyIsImFjY291bnRfaWQiOiJh\
    In0.cGxhbnRlZA";

/// A Crossbar that takes every token.
async fn crossbar() -> MockServer {
    let server = MockServer::start().await;
    let body = json!({"data": {"realm": REALMS[0]}});
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// Every token in every place of a request, good and bad.
async fn ask(port: u16) -> anyhow::Result<()> {
    let account = lab::subscribers::account_id(REALMS[0]);
    let base = format!("http://127.0.0.1:{port}/v2/accounts/{account}/registrations");
    let client = Client::new();
    for token in [TOKEN, "planted-guess", JWT, "planted-a b"] {
        for url in [
            base.clone(),
            format!("{base}/count"),
            format!("{base}/user001"),
            format!("{base}/o'x"),
            format!("{base}?page_size=x"),
            base.replace(&account, "planted-account"),
            format!("http://127.0.0.1:{port}/v2/registrations"),
        ] {
            let url = url.replace("planted-account", "nobody");
            let mark = if url.contains('?') { '&' } else { '?' };
            let requests = [
                client.get(&url).header("X-Auth-Token", token),
                client.get(format!(
                    "{url}{mark}auth_token={}",
                    token.replace(' ', "%20")
                )),
                client
                    .get(&url)
                    .header(AUTHORIZATION, format!("Bearer {token}")),
                client
                    .get(&url)
                    .basic_auth("planted-user", Some("planted-password")),
                client.delete(&url).header("X-Auth-Token", token),
                client
                    .post(&url)
                    .header("X-Auth-Token", token)
                    .body(format!(r#"{{"verb":"delete","auth_token":"{token}"}}"#)),
            ];
            for request in requests {
                request.timeout(PATIENCE).send().await?;
            }
        }
        let events = client.get(format!("{base}/events"));
        drop(events.header("X-Auth-Token", token).send().await?);
    }
    Ok(())
}

/// Says all, with real phones, the password in a file, and callers told apart this way.
async fn full_log(mode: &[(&str, &str)]) -> anyhow::Result<String> {
    let vhost = vhost().await?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("password");
    fs::write(&file, format!("{BROKER_PASSWORD}\n"))?;
    let uri = vhost.uri().replace(BROKER_PASSWORD, "planted-other");
    let mut settings = vec![
        ("LOG__LEVEL", "trace"),
        ("ZONES__LOCAL__URIS", uri.as_str()),
        ("ZONES__LOCAL__PASSWORD_FILE", file.to_str().unwrap()),
    ];
    settings.extend(mode);
    let subscribers = generate(&REALMS[..1], 3);
    let proxy = kamailio::Options::default();
    let world = World::on(vhost, subscribers, proxy, &settings).await?;
    world.register_all(600).await?;
    let log = || world.stack.rollcall.log();
    lab::wait::until("the events", PATIENCE, async || {
        ensure!(log().contains("Registered"), "none came");
        Ok(())
    })
    .await?;
    ask(world.stack.rollcall.port()).await?;
    // Once more, now that the connection is an old one; the broker lists it only after a second.
    let consuming = lab::wait::until("it to consume again", PATIENCE, async || {
        if log().matches("consuming zone=").count() < 2 {
            anyhow::bail!(
                "{} connections closed",
                world.vhost.close_connections().await?
            );
        }
        Ok(())
    });
    consuming.await?;
    Ok(log())
}

async fn says_all_but_secrets(mode: &[(&str, &str)]) -> anyhow::Result<()> {
    let log = full_log(mode).await?;
    for word in ["TRACE", "answered", "lapin"] {
        ensure!(log.contains(word), "it is no full log: no {word}");
    }
    // What logs in is left out as a whole.
    ensure!(!log.contains("StartOk"));
    if let Some(line) = shown(&log) {
        anyhow::bail!("a secret shows: {line}");
    }
    Ok(())
}

#[tokio::test]
async fn no_log_shows_a_secret_with_tokens_of_our_own() -> anyhow::Result<()> {
    says_all_but_secrets(&[]).await
}

#[tokio::test]
async fn no_log_shows_a_secret_with_crossbars_tokens() -> anyhow::Result<()> {
    let crossbar = crossbar().await;
    says_all_but_secrets(&[
        ("AUTH__MODE", "crossbar"),
        ("AUTH__CROSSBAR_URL", &crossbar.uri()),
    ])
    .await
}

#[tokio::test]
async fn no_log_shows_a_secret_with_jwts() -> anyhow::Result<()> {
    // The keys come from Crossbar too, or do not come.
    let crossbar = crossbar().await;
    says_all_but_secrets(&[
        ("AUTH__MODE", "jwt"),
        ("AUTH__CROSSBAR_URL", &crossbar.uri()),
    ])
    .await
}

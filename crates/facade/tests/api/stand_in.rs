//! A stand-in for Crossbar that is asked about tokens, and who asks it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use facade::auth::{Auth, CrossbarAuth, CrossbarSettings};
use serde_json::json;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path, path_regex},
};

use crate::{
    jwts::KEYS,
    world::{ACME, EMPTY, UNKNOWN},
};

/// How the stand-in answers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Well,
    Slow,
    Failing,
    Garbage,
    OtherAccount,
    Redirecting,
}

/// A stand-in for Crossbar that follows its contract, or does not.
pub(crate) struct Crossbar {
    pub(crate) url: String,
    /// How often it was asked for an account.
    pub(crate) asked: Arc<AtomicUsize>,
    _server: MockServer,
}

pub(crate) async fn crossbar(manner: Manner) -> Crossbar {
    let server = MockServer::start().await;
    let asked = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&asked);
    let account = move |request: &Request| {
        counting.fetch_add(1, Ordering::SeqCst);
        let account = request.url.path().rsplit('/').next().unwrap_or_default();
        answer(manner, token(request), account)
    };
    let system = |request: &Request| match token(request) {
        Some("planted-root") => ResponseTemplate::new(200).set_body_json(json!({"data": {}})),
        Some("planted-acme") => ResponseTemplate::new(403),
        _ => ResponseTemplate::new(401),
    };
    let key = KEYS[0].public.clone();
    let key = ResponseTemplate::new(200).set_body_raw(key, "application/x-pem-file");
    let get = || Mock::given(method("GET"));
    for mock in [
        get()
            .and(path_regex("^/v2/accounts/[^/]+$"))
            .respond_with(account),
        get().and(path("/v2/system_status")).respond_with(system),
        get().and(path("/v2/auth/keys/key1")).respond_with(key),
    ] {
        mock.mount(&server).await;
    }
    Crossbar {
        url: server.uri(),
        asked,
        _server: server,
    }
}

fn token(request: &Request) -> Option<&str> {
    request.headers.get("X-Auth-Token")?.to_str().ok()
}

fn answer(manner: Manner, token: Option<&str>, account: &str) -> ResponseTemplate {
    let known = |id: &str, realm: &str| {
        ResponseTemplate::new(200).set_body_json(json!({"data": {"id": id, "realm": realm}}))
    };
    match manner {
        Manner::Well => {}
        Manner::Slow => return known(account, "x").set_delay(Duration::from_secs(30)),
        Manner::Failing => return ResponseTemplate::new(500),
        Manner::Garbage => return ResponseTemplate::new(200).set_body_string("<html>"),
        Manner::OtherAccount => return known(EMPTY, "x"),
        Manner::Redirecting => {
            return ResponseTemplate::new(302).insert_header("Location", "http://127.0.0.1:1/");
        }
    }
    match (token, account) {
        (Some("planted-acme" | "planted-root"), ACME) => known(account, "acme.example.com"),
        // Only Crossbar knows this one.
        (Some("planted-root"), UNKNOWN) => known(account, "Fresh.Example.com"),
        (Some("planted-root"), EMPTY) => known(account, "empty.example.com"),
        (Some("planted-root"), _) => ResponseTemplate::new(404),
        (Some("planted-acme"), _) => ResponseTemplate::new(403),
        _ => ResponseTemplate::new(401),
    }
}

pub(crate) fn asking(url: &str) -> Auth {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(300))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let settings = CrossbarSettings {
        url: url.to_owned(),
        system_path: "/v2/system_status".into(),
        keep: Duration::from_mins(1),
    };
    Auth::Crossbar(CrossbarAuth::new(settings, client))
}

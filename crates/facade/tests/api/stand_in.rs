//! A stand-in for Crossbar that is asked about tokens, and who asks it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use facade::auth::{Auth, CrossbarAuth, CrossbarSettings};
use serde_json::json;

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
    pub(crate) asked: Arc<AtomicUsize>,
}

pub(crate) fn crossbar(manner: Manner) -> Crossbar {
    let asked = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&asked);
    let server = HttpServer::new(move || {
        let asked = Arc::clone(&counting);
        let account = move |req: HttpRequest, path: web::Path<String>| {
            let asked = Arc::clone(&asked);
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
                let token = req
                    .headers()
                    .get("X-Auth-Token")
                    .map(|t| t.to_str().unwrap().to_owned());
                answer(manner, token.as_deref(), &path).await
            }
        };
        let system = |req: HttpRequest| async move {
            match req
                .headers()
                .get("X-Auth-Token")
                .map(actix_web::http::header::HeaderValue::as_bytes)
            {
                Some(b"planted-root") => HttpResponse::Ok().json(json!({"data": {}})),
                Some(b"planted-acme") => HttpResponse::Forbidden().finish(),
                _ => HttpResponse::Unauthorized().finish(),
            }
        };
        let key = |path: web::Path<String>| async move {
            match path.as_str() {
                "key1" => HttpResponse::Ok()
                    .content_type("application/x-pem-file")
                    .body(KEYS[0].public.clone()),
                _ => HttpResponse::NotFound().finish(),
            }
        };
        App::new()
            .route("/v2/accounts/{id}", web::get().to(account))
            .route("/v2/system_status", web::get().to(system))
            .route("/v2/auth/keys/{kid}", web::get().to(key))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    Crossbar { url, asked }
}

async fn answer(manner: Manner, token: Option<&str>, account: &str) -> HttpResponse {
    match manner {
        Manner::Well => {}
        Manner::Slow => tokio::time::sleep(Duration::from_secs(30)).await,
        Manner::Failing => return HttpResponse::InternalServerError().finish(),
        Manner::Garbage => return HttpResponse::Ok().body("<html>"),
        Manner::OtherAccount => {
            return HttpResponse::Ok().json(json!({"data": {"id": EMPTY, "realm": "x"}}));
        }
        Manner::Redirecting => {
            return HttpResponse::Found()
                .insert_header(("Location", "http://127.0.0.1:1/"))
                .finish();
        }
    }
    let known =
        |realm: &str| HttpResponse::Ok().json(json!({"data": {"id": account, "realm": realm}}));
    match (token, account) {
        (Some("planted-acme" | "planted-root"), ACME) => known("acme.example.com"),
        // Only Crossbar knows this one.
        (Some("planted-root"), UNKNOWN) => known("Fresh.Example.com"),
        (Some("planted-root"), EMPTY) => known("empty.example.com"),
        (Some("planted-root"), _) => HttpResponse::NotFound().finish(),
        (Some("planted-acme"), _) => HttpResponse::Forbidden().finish(),
        _ => HttpResponse::Unauthorized().finish(),
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

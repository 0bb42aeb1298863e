//! The page for people, and the page of the API's description: their files, built into the program.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};
use sha2::{Digest as _, Sha256};

use crate::{
    paths::{READ, resource},
    response::Revision,
};

/// Nothing from elsewhere, no script or style within the page, and no text taken for markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($path:literal, $kind:literal, $file:literal;)*) => {
        [$(Asset { path: $path, kind: $kind, text: include_str!($file) }),*]
    };
}

static ASSETS: [Asset; 15] = assets! {
    "/", "text/html; charset=utf-8", "index.html";
    "/page/style.css", "text/css; charset=utf-8", "style.css";
    "/page/icon.svg", "image/svg+xml", "icon.svg";
    "/page/main.js", "text/javascript; charset=utf-8", "main.js";
    "/page/dom.js", "text/javascript; charset=utf-8", "dom.js";
    "/page/api.js", "text/javascript; charset=utf-8", "api.js";
    "/page/store.js", "text/javascript; charset=utf-8", "store.js";
    "/page/rows.js", "text/javascript; charset=utf-8", "rows.js";
    "/page/account.js", "text/javascript; charset=utf-8", "account.js";
    "/page/dialogs.js", "text/javascript; charset=utf-8", "dialogs.js";
    "/page/system.js", "text/javascript; charset=utf-8", "system.js";
    "/page/plot.js", "text/javascript; charset=utf-8", "plot.js";
    "/docs", "text/html; charset=utf-8", "../openapi/page.html";
    "/docs/page.js", "text/javascript; charset=utf-8", "../openapi/page.js";
    "/docs/page.css", "text/css; charset=utf-8", "../openapi/page.css";
};

/// The same validator for as long as none of the files changes.
static REVISION: LazyLock<Revision> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for asset in &ASSETS {
        digest.update(asset.text);
    }
    Revision::of_digest(&digest.finalize())
});

/// The page's routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    for asset in &ASSETS {
        let get = move |req: HttpRequest| async move { answer(&req, asset) };
        config.service(
            resource(asset.path, READ)
                .route(web::get().to(get))
                .route(web::head().to(get)),
        );
    }
}

fn answer(req: &HttpRequest, asset: &Asset) -> HttpResponse {
    let is_known = REVISION.is_known_to(req);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, REVISION.etag()))
        // Asked for each time, so that the files of one version always come together.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"));
    if is_known {
        response.finish()
    } else {
        response.content_type(asset.kind).body(asset.text)
    }
}

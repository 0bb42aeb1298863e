//! Who may do what, in every mode; and every trick that is tried with tokens.

use std::{fmt::Write as _, sync::atomic::Ordering};

use facade::auth::{Auth, Keys, StaticTokens};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    jwts::{KEYS, ROOT, claims, jwt, offline, signed, soon, token},
    stand_in::{Manner, asking, crossbar},
    world::{ACME, EMPTY, T0, UNKNOWN, World, registrations},
};

const TOKENS: &str = r#"
[[token]]
name = "root"
sha256 = "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2"
accounts = ["*"]
write = true

[[token]]
name = "acme"
sha256 = "6f7c6d0d0a2c4e8a0dd3e4c8a2ae1de6a1e4a3c4e1b3f4a0d0b6b5a4f3e2d1c0"
accounts = ["4f1c2d3e4f5061728394a5b6c7d8e9f0"]
write = true
"#;

/// The hash of a token, as the file has it.
fn hash(token: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Callers × what they ask for × modes: what each gets.
#[tokio::test]
async fn the_matrix() {
    let stand_in = crossbar(Manner::Well).await;
    let (verifying, _folder) = offline();
    let file = TOKENS
        .replace(
            "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2",
            &hash("planted-root"),
        )
        .replace(
            "6f7c6d0d0a2c4e8a0dd3e4c8a2ae1de6a1e4a3c4e1b3f4a0d0b6b5a4f3e2d1c0",
            &hash("planted-acme"),
        );
    let plain = |name: &str| name.to_owned();
    let modes: [(&str, Auth, [String; 3]); 3] = [
        (
            "static",
            Auth::Static(StaticTokens::parse(&file).unwrap()),
            ["planted-root", "planted-acme", "planted-bad"].map(plain),
        ),
        (
            "crossbar",
            asking(&stand_in.url),
            ["planted-root", "planted-acme", "planted-bad"].map(plain),
        ),
        (
            "jwt",
            verifying,
            [token(ROOT), token(ACME), "planted-bad".to_owned()],
        ),
    ];
    let acme = registrations(ACME);
    // Path, method, and what root, acme, a bad token and none get.
    let asked = [
        (acme.clone(), "GET", [200, 200, 401, 401]),
        (format!("{acme}/count"), "GET", [200, 200, 401, 401]),
        (format!("{acme}/amy"), "GET", [200, 200, 401, 401]),
        (format!("{acme}/amy"), "DELETE", [200, 404, 401, 401]),
        (acme.clone(), "DELETE", [200, 200, 401, 401]),
        (
            format!("/v2/accounts/{ACME}/devices/status"),
            "GET",
            [200, 200, 401, 401],
        ),
        (registrations(EMPTY), "GET", [200, 403, 401, 401]),
        (registrations(EMPTY), "DELETE", [200, 403, 401, 401]),
        ("/v2/registrations".to_owned(), "GET", [200, 403, 401, 401]),
        (
            "/v2/registrations/count".to_owned(),
            "GET",
            [200, 403, 401, 401],
        ),
        (acme.clone(), "OPTIONS", [200, 200, 200, 200]),
        ("/healthz".to_owned(), "GET", [200, 200, 200, 200]),
    ];
    for (mode, auth, [root, account, bad]) in modes {
        let world = World::judged_by(auth);
        for (path, method, wanted) in &asked {
            let callers = [Some(&root), Some(&account), Some(&bad), None];
            for (caller, wanted) in callers.into_iter().zip(wanted) {
                let mut request = world.request(method, path);
                if let Some(token) = caller {
                    request = request.header("X-Auth-Token", token);
                }
                let status = request.send().await.unwrap().status();
                assert_eq!(status, *wanted, "{mode}: {method} {path} as {caller:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_trick_with_a_token_is_refused() {
    let (auth, _folder) = offline();
    let world = World::judged_by(auth);
    let path = registrations(ACME);
    let status = async |token: &str| {
        let request = world.request("GET", &path).header("X-Auth-Token", token);
        request.send().await.map(|answer| answer.status().as_u16())
    };
    for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512] {
        assert_eq!(
            status(&signed(algorithm, Some("key1"), &claims(ACME)))
                .await
                .unwrap(),
            200
        );
    }
    let with = |key: &str, value: Value| {
        let mut claims = claims(ACME);
        claims[key] = value;
        signed(Algorithm::RS256, Some("key1"), &claims)
    };
    let without = |key: &str| {
        let mut claims = claims(ACME);
        claims.as_object_mut().unwrap().remove(key);
        signed(Algorithm::RS256, Some("key1"), &claims)
    };
    let good = token(ACME);
    let parts: Vec<&str> = good.split('.').collect();
    let none = {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"key1"}"#);
        format!("{header}.{}.", parts[1])
    };
    let by_public_key = {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("key1".into());
        encode(
            &header,
            &claims(ACME),
            &EncodingKey::from_secret(KEYS[0].public.as_bytes()),
        )
        .unwrap()
    };
    let old = soon() - 1200;
    for (what, bad) in [
        ("alg none", none),
        ("HS256 with the public key", by_public_key),
        (
            "another key's id",
            signed(Algorithm::RS256, Some("key2"), &claims(ACME)),
        ),
        (
            "unknown id",
            signed(Algorithm::RS256, Some("key3"), &claims(ACME)),
        ),
        ("no id", signed(Algorithm::RS256, None, &claims(ACME))),
        (
            "a path as id",
            signed(Algorithm::RS256, Some("../keys/key1"), &claims(ACME)),
        ),
        (
            "an absolute path as id",
            signed(Algorithm::RS256, Some("/etc/passwd"), &claims(ACME)),
        ),
        ("expired", with("exp", old.into())),
        ("no end", without("exp")),
        ("not yet", with("nbf", soon().into())),
        ("wrong issuer", with("iss", "mallory".into())),
        ("no issuer", without("iss")),
        ("no account", without("account_id")),
        ("an account that is none", with("account_id", "root".into())),
        ("cut", good.chars().take(good.len() - 10).collect()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        (
            "swapped payload",
            format!(
                "{}.{}.{}",
                parts[0],
                token(ROOT).split('.').nth(1).unwrap(),
                parts[2]
            ),
        ),
        ("dots", "..".to_owned()),
    ] {
        assert_eq!(status(&bad).await.unwrap(), 401, "{what}");
    }
    // A key that cannot be read is the server's fault.
    assert_eq!(
        status(&signed(Algorithm::RS256, Some("broken"), &claims(ACME)))
            .await
            .unwrap(),
        503
    );
    // Too large for a header at all: refused, or cut off while it is still being sent.
    // By a connection of its own, which may be reset.
    let huge = crate::world::client()
        .get(format!("{}{path}", world.base))
        .header("X-Auth-Token", "x".repeat(1 << 20));
    let huge = huge.send().await.map(|answer| answer.status().as_u16());
    assert!(
        huge.as_ref().is_err() || matches!(huge, Ok(400 | 401 | 431)),
        "{huge:?}"
    );
    assert_eq!(status(&good).await.unwrap(), 200);
}

#[tokio::test]
async fn a_token_is_held_to_its_restrictions() {
    let (auth, _folder) = offline();
    let world = World::judged_by(auth);
    let mut claims = claims(ACME);
    claims["restrictions"] = json!({"registrations": [{"allowed_accounts": ["{AUTH_ACCOUNT_ID}"], "rules": {"/": ["GET"]}}]});
    let token = signed(Algorithm::RS256, Some("key1"), &claims);
    for (method, path, wanted) in [
        ("GET", registrations(ACME), 200),
        ("GET", format!("{}/count", registrations(ACME)), 403),
        ("DELETE", registrations(ACME), 403),
        ("DELETE", format!("{}/amy", registrations(ACME)), 403),
        ("GET", format!("/v2/accounts/{ACME}/devices/status"), 403),
    ] {
        let request = world.request(method, &path).header("X-Auth-Token", &token);
        assert_eq!(
            request.send().await.unwrap().status(),
            wanted,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn keys_may_come_from_crossbar() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stand_in = crossbar(Manner::Well).await;
    let client = reqwest::Client::new();
    let world = World::judged_by(jwt(Keys::of_crossbar(&stand_in.url, client.clone())));
    let get = async |world: &World, token: &str| {
        let request = world
            .request("GET", &registrations(ACME))
            .header("X-Auth-Token", token);
        world.send(request).await
    };
    assert_eq!(get(&world, &token(ACME)).await.status, 200);
    let unknown = signed(Algorithm::RS256, Some("key9"), &claims(ACME));
    assert_eq!(get(&world, &unknown).await.status, 401);
    let world = World::judged_by(jwt(Keys::of_crossbar("http://127.0.0.1:1", client)));
    let answer = get(&world, &token(ACME)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["message"]),
        (503, &json!("datastore_unreachable"))
    );
}

#[tokio::test]
async fn crossbar_is_asked_once_and_what_it_says_of_the_realm_counts() {
    let stand_in = crossbar(Manner::Well).await;
    let world = World::judged_by(asking(&stand_in.url));
    let as_root = |path: &str| {
        world
            .request("GET", path)
            .header("X-Auth-Token", "planted-root")
    };
    let path = registrations(UNKNOWN);
    let many = (0..20).map(|_| world.send(as_root(&path)));
    for answer in futures_util::future::join_all(many).await {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["data"], json!([]));
    }
    assert_eq!(stand_in.asked.load(Ordering::SeqCst), 1);
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0, "Expires": 60,
        "Contact": "<sip:x@192.0.2.9>", "Realm": "fresh.example.com", "Username": "eve",
    });
    let zone = registration::Zone::new("local");
    world.registrar.deliver(registrar::Delivery::new(
        &zone,
        event.to_string().as_bytes(),
    ));
    assert_eq!(
        world.send(as_root(&path)).await.body["data"][0]["username"],
        "eve"
    );
    // A refusal is remembered too.
    for _ in 0..3 {
        let bad = world
            .request("GET", &path)
            .header("X-Auth-Token", "planted-bad");
        assert_eq!(world.send(bad).await.status, 401);
    }
    assert_eq!(stand_in.asked.load(Ordering::SeqCst), 2);
    let nowhere = registrations(&"e".repeat(32));
    let answer = world.send(as_root(&nowhere)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["message"]),
        (404, &json!("bad_identifier"))
    );
}

#[tokio::test]
async fn a_crossbar_that_does_not_answer_well_is_503_and_nothing_is_remembered() {
    for manner in [
        Manner::Slow,
        Manner::Failing,
        Manner::Garbage,
        Manner::OtherAccount,
        Manner::Redirecting,
    ] {
        let stand_in = crossbar(manner).await;
        let world = World::judged_by(asking(&stand_in.url));
        for asked in 1..=2 {
            let request = world
                .request("GET", &registrations(ACME))
                .header("X-Auth-Token", "planted-acme");
            let answer = world.send(request).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["message"]),
                (503, &json!("datastore_unreachable"))
            );
            assert_eq!(stand_in.asked.load(Ordering::SeqCst), asked);
        }
    }
}

#[tokio::test]
async fn bad_tokens_are_counted_and_then_refused_at_once() {
    let list = registrations(ACME);
    // They come to the tokens by ways of their own.
    for path in [format!("{list}/count"), format!("{list}/"), list] {
        let auth = Auth::Static(
            StaticTokens::parse(&TOKENS.replace(
                "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2",
                &hash("planted-root"),
            ))
            .unwrap(),
        );
        let world = World::build(auth, true, 5, None);
        let get = async |token: &str| {
            let request = world.request("GET", &path).header("X-Auth-Token", token);
            world.send(request).await
        };
        for number in 0..5 {
            assert_eq!(get(&format!("planted-guess{number}")).await.status, 401);
            assert_eq!(get("planted-root").await.status, 200);
        }
        let answer = get("planted-guess5").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["message"]),
            (429, &json!("too_many_requests")),
            "{path}"
        );
        assert_eq!(answer.headers["retry-after"], "60");
    }
}

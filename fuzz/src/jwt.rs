//! Tokens that nobody has signed, none of which may be taken; and one that is good.

use std::{path::Path, sync::Arc};

use actix_web::http::header::{HeaderName, HeaderValue};
use facade::auth::{
    Access, Auth, Denied, Granted, JwtAuth, JwtSettings, Keys, Right, Subject, Token,
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use registration::{AccountId, ManualClock};

use crate::{
    server::{Once, Request, Server, wait},
    world::World,
};

/// The account that the good token is for.
const ACCOUNT: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
/// Whoever takes its text for a shared secret lets everyone sign.
const PUBLIC_KEY: &[u8] = include_bytes!("../keys/fuzz.pem");
/// The only token that was ever signed with the private key, which is no more.
const GOOD: &str = include_str!("../keys/good.jwt");

struct House {
    auth: Auth,
    server: Server,
    subject: Subject,
}

thread_local! {
    static HOUSE: Once<House> = const { Once::new() };
}

/// A token; or else a header, claims and a signature, a line each, which are made one.
pub fn jwt(data: &[u8]) {
    let use_it = |house: &House| {
        house.try_token(&String::from_utf8_lossy(data));
        let mut lines = data.splitn(3, |byte| *byte == b'\n');
        let [header, claims, signature] = [(); 3].map(|()| lines.next().unwrap_or_default());
        let signed = format!("{}.{}", base64(header), base64(claims));
        house.try_token(&format!("{signed}.{}", base64(signature)));
        house.try_token(&format!("{signed}."));
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let key = EncodingKey::from_secret(PUBLIC_KEY);
            let signature = sign(signed.as_bytes(), &key, algorithm).expect("a secret signs");
            house.try_token(&format!("{signed}.{signature}"));
        }
        false
    };
    HOUSE.with(|slot| slot.with(House::new, use_it));
}

impl House {
    fn new() -> Self {
        let world = World::new();
        let auth = || {
            let settings = JwtSettings {
                issuer: "kazoo".into(),
                superduper_accounts: [].into(),
            };
            let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys");
            Auth::Jwt(JwtAuth::new(settings, Keys::in_folder(keys)))
        };
        let server = Server::new(
            Arc::clone(&world.registrar),
            Arc::<ManualClock>::clone(&world.clock),
            auth(),
        );
        let house = Self {
            auth: auth(),
            server,
            subject: Subject::Account(AccountId::parse(ACCOUNT).expect("32 digits")),
        };
        assert_eq!(
            house.judge(GOOD),
            Ok(Granted::default()),
            "the good one is taken"
        );
        house
    }

    fn judge(&self, token: &str) -> Result<Granted, Denied> {
        let access = Access {
            subject: &self.subject,
            right: Right::Write,
            method: "DELETE",
            endpoint: "registrations",
            arguments: "",
        };
        wait(self.auth.check(Some(&Token::new(token)), access))
    }

    fn try_token(&self, token: &str) {
        if token == GOOD {
            return;
        }
        assert_eq!(self.judge(token), Err(Denied::NoCredentials), "{token}");
        let Ok(value) = HeaderValue::from_str(token) else {
            return;
        };
        let request = Request {
            uri: format!("/v2/accounts/{ACCOUNT}/registrations")
                .parse()
                .expect("a path"),
            headers: vec![(HeaderName::from_static("x-auth-token"), value)],
            ..Request::default()
        };
        let answer = self.server.answer(request);
        assert_eq!(answer.status, 401, "{answer:?} to {token}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

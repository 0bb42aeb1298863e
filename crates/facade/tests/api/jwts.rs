//! JWTs as Crossbar signs them, and who checks them.

use std::{collections::HashSet, sync::LazyLock};

use facade::auth::{Auth, JwtAuth, JwtSettings, Keys};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use registration::AccountId;
use rsa::{
    RsaPrivateKey,
    pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use serde_json::{Value, json};

/// A superduper admin's account.
pub(crate) const ROOT: &str = "dddddddddddddddddddddddddddddddd";

pub(crate) struct Pair {
    pub(crate) private: EncodingKey,
    pub(crate) public: String,
}

fn pair() -> Pair {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    Pair {
        private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        public: key
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .unwrap(),
    }
}

pub(crate) static KEYS: LazyLock<[Pair; 2]> = LazyLock::new(|| [pair(), pair()]);

/// A moment that tokens are good until: they are judged by the machine's clock.
pub(crate) fn soon() -> u64 {
    use registration::Clock as _;
    registration::SystemClock.now().seconds().0 + 600
}

pub(crate) fn claims(account: &str) -> Value {
    json!({"iss": "kazoo", "account_id": account, "exp": soon()})
}

pub(crate) fn signed(algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, claims, &KEYS[0].private).unwrap()
}

pub(crate) fn token(account: &str) -> String {
    signed(Algorithm::RS256, Some("key1"), &claims(account))
}

pub(crate) fn jwt(keys: Keys) -> Auth {
    let settings = JwtSettings {
        issuer: "kazoo".into(),
        superduper_accounts: HashSet::from([AccountId::parse(ROOT).unwrap()]),
    };
    Auth::Jwt(JwtAuth::new(settings, keys))
}

/// The keys in a folder.
pub(crate) fn offline() -> (Auth, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key1.pem"), &KEYS[0].public).unwrap();
    std::fs::write(folder.path().join("key2.pem"), &KEYS[1].public).unwrap();
    std::fs::write(folder.path().join("broken.pem"), "no key").unwrap();
    (jwt(Keys::in_folder(folder.path().to_owned())), folder)
}

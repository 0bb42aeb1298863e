//! Verifies Kazoo's own tokens: signed by a key of the cluster, not expired, for the account.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use registration::AccountId;
use serde::Deserialize;

use super::{
    access::{Access, Denied, Granted, Subject},
    counts::CacheCounts,
    keys::Keys,
    restrictions::{Restrictions, permits},
};

/// Only these: others could be signed with the public key, or not at all.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];
/// Kazoo's have about one kilobyte.
const MAX_TOKEN_BYTES: usize = 16_384;
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 5;

/// Requirements on tokens.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// Their issuer (`iss`).
    pub issuer: String,
    /// Accounts whose tokens may do everything.
    pub superduper_accounts: HashSet<AccountId>,
}

/// Verifies tokens offline.
pub struct JwtAuth {
    settings: JwtSettings,
    keys: Keys,
}

/// Claims of a valid token.
#[derive(Deserialize)]
pub(super) struct Claims {
    account_id: String,
    #[serde(default)]
    restrictions: Option<Restrictions>,
}

impl JwtAuth {
    pub(super) fn cache(&self) -> CacheCounts {
        self.keys.cache()
    }

    /// Verifies with these keys.
    pub fn new(settings: JwtSettings, keys: Keys) -> Self {
        Self { settings, keys }
    }

    pub(super) async fn check(&self, token: &str, access: Access<'_>) -> Result<Granted, Denied> {
        let claims = self.verify(token).await?;
        let own = AccountId::parse(&claims.account_id).map_err(|_| Denied::NoCredentials)?;
        let is_superduper = self.settings.superduper_accounts.contains(&own);
        let is_own = *access.subject == Subject::Account(own);
        if !is_own && !is_superduper {
            return Err(Denied::NoRight);
        }
        match &claims.restrictions {
            Some(restrictions) if !permits(restrictions, &own, access) => Err(Denied::NoRight),
            _ => Ok(Granted::default()),
        }
    }

    /// The claims of a token of the cluster, whatever its rights.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::NoCredentials);
        }
        let header = decode_header(token).map_err(|_| Denied::NoCredentials)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Denied::NoCredentials);
        }
        let kid = header.kid.ok_or(Denied::NoCredentials)?;
        let key = self.keys.get(&kid).await.map_err(Denied::Unreachable)?;
        let key = key.ok_or(Denied::NoCredentials)?;
        // The header's algorithm, which is one of the three.
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.leeway = LEEWAY;
        let decoded = decode::<Claims>(token, &key, &validation);
        decoded
            .map(|token| token.claims)
            .map_err(|_| Denied::NoCredentials)
    }
}

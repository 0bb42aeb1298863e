//! Kazoo's own tokens, verified here: signed by a key of the cluster, in time, for the account.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use registration::AccountId;
use serde::Deserialize;

use super::{
    Access, Denied, Granted, Subject,
    keys::Keys,
    restrictions::{Restrictions, permits},
};

/// Only these: with others whoever has the public key could sign, or nobody would have to.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];
/// Kazoo's have about one kilobyte.
const MAX_TOKEN_BYTES: usize = 16_384;
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 5;

/// What tokens are held to.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// Who signs them (`iss`).
    pub issuer: String,
    /// Accounts whose tokens may do everything.
    pub superduper_accounts: HashSet<AccountId>,
}

/// The verifier.
pub struct JwtAuth {
    settings: JwtSettings,
    keys: Keys,
}

/// What a good token says.
#[derive(Deserialize)]
pub(super) struct Claims {
    account_id: String,
    #[serde(default)]
    restrictions: Option<Restrictions>,
}

impl JwtAuth {
    pub(super) fn cache(&self) -> super::CacheCounts {
        self.keys.cache()
    }

    /// A verifier with these keys.
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

    /// Whoever it is for, and whatever it may do: whether it is a token of the cluster's.
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

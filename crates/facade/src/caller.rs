//! A request that was found to have a right to an account. Handlers get at an account's
//! registrations no other way.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Path},
};
use registrar::Scope;
use registration::{AccountId, UnsafeName, check_flushable};

use crate::{
    Facade,
    auth::{Denied, Right, token_of},
    error::ApiError,
};

/// Names the right that a handler needs.
pub(crate) trait Policy {
    const RIGHT: Right;
}

/// To list and count.
pub(crate) struct ToRead;
impl Policy for ToRead {
    const RIGHT: Right = Right::Read;
}

/// To flush.
pub(crate) struct ToWrite;
impl Policy for ToWrite {
    const RIGHT: Right = Right::Write;
}

/// The account in the path, after the caller's right to it was checked.
pub(crate) struct Authorized<P> {
    /// What belongs to the account.
    pub(crate) scope: Scope,
    /// The username in the path, where there is one.
    pub(crate) username: Option<String>,
    policy: PhantomData<P>,
}

impl<P: Policy> FromRequest for Authorized<P> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(req, P::RIGHT).map(|(scope, username)| Self {
            scope,
            username,
            policy: PhantomData,
        }))
    }
}

fn authorize(req: &HttpRequest, right: Right) -> Result<(Scope, Option<String>), ApiError> {
    let (account, username) = names(req)?;
    let facade = req
        .app_data::<Data<Facade>>()
        .ok_or(ApiError::FaultyRequest)?;
    let token = token_of(req);
    let unknown = || ApiError::BadIdentifier {
        what: "account",
        identifier: account.chars().take(300).collect(),
    };
    let Ok(id) = AccountId::parse(&account) else {
        // Whether an account exists is told only to those who may ask at all.
        let known = facade.auth.knows(token.as_deref());
        return Err(if known {
            unknown()
        } else {
            ApiError::InvalidCredentials
        });
    };
    facade
        .auth
        .check(token.as_deref(), &id, right)
        .map_err(|denied| match denied {
            Denied::NoCredentials => ApiError::InvalidCredentials,
            Denied::NoRight => ApiError::Forbidden,
        })?;
    let scope = facade.registrar.scope(&id).ok_or_else(unknown)?;
    Ok((scope, username))
}

/// The names in the path. A username that must not reach a proxy is refused before anything else
/// looks at it, the token included.
fn names(req: &HttpRequest) -> Result<(String, Option<String>), ApiError> {
    let unreadable = |_| ApiError::Parse {
        parameter: "path",
        got: String::new(),
        takes: "percent-encoded UTF-8",
    };
    if req.match_info().get("username").is_none() {
        return Ok((
            Path::<String>::extract(req)
                .into_inner()
                .map_err(unreadable)?
                .into_inner(),
            None,
        ));
    }
    let path = Path::<(String, String)>::extract(req)
        .into_inner()
        .map_err(unreadable)?;
    let (account, username) = path.into_inner();
    check_flushable(&username).map_err(|reason| refused(&username, reason))?;
    Ok((account, Some(username)))
}

fn refused(username: &str, reason: UnsafeName) -> ApiError {
    tracing::warn!(%reason, "a username that would reach the proxies' SQL was refused");
    registrar::FlushError::Unsafe {
        what: "username",
        name: username.to_owned(),
        reason,
    }
    .into()
}

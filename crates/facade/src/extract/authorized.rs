//! Callers that were found to have a right to an account. Handlers get at an account's registrations
//! in no other way.

use std::marker::PhantomData;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Path};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use registrar::Scope;
use registration::{AccountId, check_flushable};
use serde::de::DeserializeOwned;

use super::{
    params::{AccountPath, UserPath},
    permission::{Permission, check, state},
    token::token_of,
};
use crate::{
    auth::{Subject, Token},
    error::ApiError,
};

/// The account in the path, after the caller's right to it was checked.
pub(crate) struct Authorized<P> {
    /// What belongs to the account.
    pub(crate) scope: Scope,
    permission: PhantomData<P>,
}

/// Like [`Authorized`], with the username in the path.
pub(crate) struct AuthorizedUser<P> {
    /// What belongs to the account.
    pub(crate) scope: Scope,
    pub(crate) username: String,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequest for Authorized<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        async move {
            // `count`, `status`, or nothing behind the endpoint.
            let arguments = last_segment(&req);
            let arguments = Some(arguments).filter(|last| *last != P::ENDPOINT);
            Ok(Self {
                scope: authorize::<P>(&req, arguments.unwrap_or_default()).await?,
                permission: PhantomData,
            })
        }
        .boxed_local()
    }
}

impl<P: Permission> FromRequest for AuthorizedUser<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        async move {
            let username = username(&req)?;
            Ok(Self {
                scope: authorize::<P>(&req, &username).await?,
                username,
                permission: PhantomData,
            })
        }
        .boxed_local()
    }
}

/// What belongs to the account in the path, if the caller has a right to it.
async fn authorize<P: Permission>(req: &HttpRequest, arguments: &str) -> Result<Scope, ApiError> {
    let AccountPath { account_id } = path(req)?;
    let facade = state(req)?;
    let Ok(id) = AccountId::parse(&account_id) else {
        // Whether an account exists is told only to those who may ask at all.
        let token = token_of(req.head());
        let token = token.as_deref().map(Token::new);
        return Err(if facade.auth.knows(token.as_ref()).await {
            unknown(&account_id)
        } else {
            ApiError::InvalidCredentials
        });
    };
    let granted = check::<P>(req, facade, &Subject::Account(id), arguments).await;
    let granted = granted.map_err(|error| match error {
        ApiError::FaultyRequest => unknown(&account_id),
        other => other,
    })?;
    let scope = facade.registrar.scope(&id, granted.realm.as_deref());
    scope.ok_or_else(|| unknown(&account_id))
}

fn unknown(account: &str) -> ApiError {
    ApiError::BadIdentifier {
        what: "account",
        identifier: account.chars().take(300).collect(),
    }
}

/// The username in the path. One that must not reach a proxy is refused before the token is looked at.
fn username(req: &HttpRequest) -> Result<String, ApiError> {
    // `count` and `events` have paths of their own on GET, and are usernames like any other here.
    let username = match req.match_info().get("username") {
        Some(_) => path::<UserPath>(req)?.username,
        None => last_segment(req).to_owned(),
    };
    check_flushable(&username).map_err(|reason| {
        tracing::warn!(%reason, "a username that would reach the proxies' SQL was refused");
        ApiError::unsafe_name("username", &username)
    })?;
    Ok(username)
}

fn path<T: DeserializeOwned>(req: &HttpRequest) -> Result<T, ApiError> {
    let path = Path::<T>::extract(req).into_inner();
    let unreadable = |_| ApiError::bad_parameter("path", "", "percent-encoded UTF-8");
    Ok(path.map_err(unreadable)?.into_inner())
}

fn last_segment(req: &HttpRequest) -> &str {
    let path = req.path().trim_end_matches('/');
    path.rsplit('/').next().unwrap_or_default()
}

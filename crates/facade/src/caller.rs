//! A request that was found to have a right to what it asks for. Handlers get at registrations no
//! other way.

use std::{future::Future, marker::PhantomData, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Path},
};
use registrar::Scope;
use registration::{AccountId, UnsafeName, check_flushable};

use crate::{
    Facade,
    auth::{Access, Denied, Granted, Right, Subject, Token, token_of},
    error::ApiError,
    throttle::Caller,
};

/// Names the right that a handler needs.
pub(crate) trait Policy: 'static {
    const RIGHT: Right;
    /// The API's endpoint, as token restrictions name it.
    const ENDPOINT: &'static str = "registrations";
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

/// To see which devices are registered.
pub(crate) struct ToReadDevices;
impl Policy for ToReadDevices {
    const RIGHT: Right = Right::Read;
    const ENDPOINT: &'static str = "devices";
}

/// The account in the path, after the caller's right to it was checked.
pub(crate) struct Authorized<P> {
    /// What belongs to the account.
    pub(crate) scope: Scope,
    /// The username in the path, where there is one.
    pub(crate) username: Option<String>,
    policy: PhantomData<P>,
}

/// All accounts, after the caller's right to them was checked.
pub(crate) struct Administrator;

type Checking<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<P: Policy> FromRequest for Authorized<P> {
    type Error = ApiError;
    type Future = Checking<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let (scope, username) = authorize::<P>(&req).await?;
            Ok(Self {
                scope,
                username,
                policy: PhantomData,
            })
        })
    }
}

impl FromRequest for Administrator {
    type Error = ApiError;
    type Future = Checking<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            check_system::<ToRead>(&req).await?;
            Ok(Self)
        })
    }
}

/// Fails unless the caller has the right to all accounts.
pub(crate) async fn check_system<P: Policy>(req: &HttpRequest) -> Result<(), ApiError> {
    let token = token_of(req.head());
    let token = token.as_deref().map(Token::new);
    check::<P>(req, facade(req)?, token.as_ref(), &Subject::System, "").await?;
    Ok(())
}

async fn authorize<P: Policy>(req: &HttpRequest) -> Result<(Scope, Option<String>), ApiError> {
    let (account, username) = names(req)?;
    let arguments = match &username {
        Some(username) => username.as_str(),
        None => match last_segment(req) {
            last if last == P::ENDPOINT => "",
            last => last,
        },
    };
    let facade = facade(req)?;
    let Ok(id) = AccountId::parse(&account) else {
        // Whether an account exists is told only to those who may ask at all.
        let token = token_of(req.head());
        let token = token.as_deref().map(Token::new);
        return Err(if facade.auth.knows(token.as_ref()).await {
            unknown(&account)
        } else {
            ApiError::InvalidCredentials
        });
    };
    let scope = scope::<P>(req, facade, &id, arguments).await?;
    Ok((scope, username))
}

/// What belongs to the account, if the caller has a right to it. `arguments` are what
/// stands behind the endpoint in the path.
pub(crate) async fn scope<P: Policy>(
    req: &HttpRequest,
    facade: &Facade,
    account: &AccountId,
    arguments: &str,
) -> Result<Scope, ApiError> {
    let token = token_of(req.head());
    let token = token.as_deref().map(Token::new);
    let subject = Subject::Account(*account);
    let granted = check::<P>(req, facade, token.as_ref(), &subject, arguments).await;
    let granted = granted.map_err(|error| match error {
        ApiError::FaultyRequest => unknown(account.as_str()),
        other => other,
    })?;
    let realm = granted.realm.as_deref();
    let scope = facade.registrar.scope(account, realm);
    scope.ok_or_else(|| unknown(account.as_str()))
}

fn unknown(account: &str) -> ApiError {
    ApiError::BadIdentifier {
        what: "account",
        identifier: account.chars().take(300).collect(),
    }
}

/// What the path ends with: `count`, `status`, or the endpoint itself.
pub(crate) fn last_segment(req: &HttpRequest) -> &str {
    let path = req.path().trim_end_matches('/');
    path.rsplit('/').next().unwrap_or_default()
}

async fn check<P: Policy>(
    req: &HttpRequest,
    facade: &Facade,
    token: Option<&Token<'_>>,
    subject: &Subject,
    arguments: &str,
) -> Result<Granted, ApiError> {
    let caller = Caller::of(req, token);
    facade.throttle.admit_token(&caller)?;
    let access = access::<P>(subject, arguments);
    let checked = facade.auth.check(token, access).await;
    judged(facade, &caller, checked)
}

fn access<'a, P: Policy>(subject: &'a Subject, arguments: &'a str) -> Access<'a> {
    Access {
        subject,
        right: P::RIGHT,
        // A POST in disguise is what it stands for.
        method: match P::RIGHT {
            Right::Read => "GET",
            Right::Write => "DELETE",
        },
        endpoint: P::ENDPOINT,
        arguments,
    }
}

/// Notes how it went with a caller's token, and what that means to the caller.
fn judged(
    facade: &Facade,
    caller: &Caller,
    checked: Result<Granted, Denied>,
) -> Result<Granted, ApiError> {
    if checked.is_ok() {
        facade.throttle.succeeded(caller);
    }
    checked.map_err(|denied| match denied {
        Denied::NoCredentials => {
            facade.throttle.failed(caller);
            ApiError::InvalidCredentials
        }
        Denied::NoRight => ApiError::Forbidden,
        // The caller knows what it asked for.
        Denied::NoSuchAccount => ApiError::FaultyRequest,
        Denied::Unreachable(detail) => ApiError::AuthUnreachable { detail },
    })
}

fn facade(req: &HttpRequest) -> Result<&Data<Facade>, ApiError> {
    req.app_data::<Data<Facade>>()
        .ok_or(ApiError::FaultyRequest)
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

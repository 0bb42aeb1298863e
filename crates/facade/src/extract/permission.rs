//! Checks that a caller may do what a handler does.

use actix_web::{HttpRequest, web::Data};

use super::{request::RequestMeta, token::token_of};
use crate::{
    auth::{Access, Denied, Granted, Right, Subject, Token},
    error::ApiError,
    state::Facade,
    throttle::Caller,
};

/// Names the right that a handler needs.
pub(crate) trait Permission: 'static {
    const RIGHT: Right;
    /// The API's endpoint, as token restrictions name it.
    const ENDPOINT: &'static str = "registrations";
}

/// To list and count.
pub(crate) struct Read;
impl Permission for Read {
    const RIGHT: Right = Right::Read;
}

/// To flush.
pub(crate) struct Write;
impl Permission for Write {
    const RIGHT: Right = Right::Write;
}

/// To see which devices are registered.
pub(crate) struct ReadDevices;
impl Permission for ReadDevices {
    const RIGHT: Right = Right::Read;
    const ENDPOINT: &'static str = "devices";
}

/// Fails unless the caller has the right to the subject. `arguments` stand behind the endpoint in the
/// path.
pub(crate) async fn check<P: Permission>(
    req: &HttpRequest,
    facade: &Facade,
    subject: &Subject,
    arguments: &str,
) -> Result<Granted, ApiError> {
    let token = token_of(req.head());
    let token = token.as_deref().map(Token::new);
    let address = req.peer_addr().map(|address| address.ip());
    let caller = Caller::new(address, token.as_ref(), RequestMeta::of(req).at);
    facade.throttle.admit_token(&caller)?;
    let access = Access {
        subject,
        right: P::RIGHT,
        // A POST that stands for a DELETE is one.
        method: match P::RIGHT {
            Right::Read => "GET",
            Right::Write => "DELETE",
        },
        endpoint: P::ENDPOINT,
        arguments,
    };
    match facade.auth.check(token.as_ref(), access).await {
        Ok(granted) => {
            facade.throttle.succeeded(&caller);
            Ok(granted)
        }
        Err(Denied::NoCredentials) => {
            facade.throttle.failed(&caller);
            Err(ApiError::InvalidCredentials)
        }
        Err(Denied::NoRight) => Err(ApiError::Forbidden),
        // The caller knows the account's id.
        Err(Denied::NoSuchAccount) => Err(ApiError::FaultyRequest),
        Err(Denied::Unreachable(detail)) => Err(ApiError::AuthUnreachable { detail }),
    }
}

/// The state that requests share.
pub(crate) fn state(req: &HttpRequest) -> Result<&Data<Facade>, ApiError> {
    req.app_data::<Data<Facade>>()
        .ok_or(ApiError::FaultyRequest)
}

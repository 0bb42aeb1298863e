//! Callers that may see, or flush, all accounts.

use std::marker::PhantomData;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{FutureExt as _, LocalBoxFuture};

use super::permission::{Permission, check, state};
use crate::{auth::Subject, error::ApiError};

/// Marks an app whose requests come over the Unix socket.
#[derive(Clone, Copy)]
pub(crate) struct LocalSocket;

/// A caller with a token for all accounts, or on the Unix socket.
pub(crate) struct Operator<P>(PhantomData<P>);

impl<P: Permission> FromRequest for Operator<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        async move {
            if req.app_data::<LocalSocket>().is_none() {
                check::<P>(&req, state(&req)?, &Subject::System, "").await?;
            }
            Ok(Self(PhantomData))
        }
        .boxed_local()
    }
}

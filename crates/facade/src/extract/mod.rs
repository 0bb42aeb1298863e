//! Reads requests: their id, their parameters, and what their caller may do.

mod accept;
mod authorized;
mod operator;
mod params;
mod permission;
mod request;
mod token;

pub(crate) use accept::{Format, check_json, wanted_format};
pub(crate) use authorized::{Authorized, AuthorizedUser};
pub(crate) use operator::{LocalSocket, Operator};
pub(crate) use params::{AccountPath, Flag, Params, UserPath, realm_of, safe_name};
pub(crate) use permission::{Read, ReadDevices, Write, check};
pub(crate) use request::{RequestMeta, X_REQUEST_ID};
pub(crate) use token::token_of;

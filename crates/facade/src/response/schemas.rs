//! Shapes of requests and answers, for the API's description only: tests compare them with what is
//! sent.

#![expect(
    dead_code,
    clippy::struct_field_names,
    clippy::doc_markdown,
    reason = "only described, by the names that are sent"
)]

use serde_json::Value;
use utoipa::{IntoResponses, ToSchema};

use crate::{extract::Flag, summary::Totals};

/// Parameters of every list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most this many; more are told by `next_start_key`
    #[param(minimum = 1, maximum = 10000)]
    page_size: Option<u32>,
    /// Where the page begins: a `next_start_key` of an answer
    #[param(pattern = "^([0-9a-f]{2})+$")]
    start_key: Option<String>,
    /// `false`: all at once, whatever `page_size`
    paginate: Option<Flag>,
    /// Only those whose username is this; likewise `filter_KEY` for each field of a registration,
    /// and `filter_not_KEY`
    filter_username: Option<String>,
    /// Only those that have this field
    has_key: Option<String>,
    /// Only those that lack this field
    key_missing: Option<String>,
    /// Only those that have this field, and not empty
    has_value: Option<String>,
    /// Only those that lack this field, or have it empty
    missing_value: Option<String>,
    /// Each with its `zone`, where it was heard
    with_zone: Option<Flag>,
    /// Indented
    pretty: Option<Flag>,
}

/// A registration: a field that is not known is left out
#[derive(ToSchema)]
pub(crate) struct Registration {
    /// SIP username
    username: String,
    /// SIP realm
    realm: String,
    /// User-Agent of the last event that had one
    #[schema(nullable = false)]
    user_agent: Option<String>,
    /// Call-ID of the last event that had one
    #[schema(nullable = false)]
    call_id: Option<String>,
    /// From-User of the last event that had one
    #[schema(nullable = false)]
    from_user: Option<String>,
    /// From-Host of the last event that had one
    from_host: String,
    /// To-User of the last event that had one
    #[schema(nullable = false)]
    to_user: Option<String>,
    /// To-Host of the last event that had one
    to_host: String,
    /// Network-IP of the last event that had one
    #[schema(nullable = false)]
    network_ip: Option<String>,
    /// Network-Port of the last event that had one
    #[schema(nullable = false)]
    network_port: Option<String>,
    /// Of the last REGISTER, Gregorian seconds (Unix seconds + 62167219200)
    event_timestamp: u64,
    /// The contact without angle brackets
    contact: String,
    /// The contact as the phone sent it
    original_contact: String,
    /// Previous-Contact of the last event that had one
    #[schema(nullable = false)]
    previous_contact: Option<String>,
    /// Proxy-Path of the last event that had one
    #[schema(nullable = false)]
    proxy_path: Option<String>,
    /// Proxy-IP of the last event that had one
    #[schema(nullable = false)]
    proxy_ip: Option<String>,
    /// Proxy-Port of the last event that had one
    #[schema(nullable = false)]
    proxy_port: Option<u16>,
    /// Proxy-Protocol of the last event that had one
    #[schema(nullable = false)]
    proxy_protocol: Option<String>,
    /// Lifetime in seconds, padding included
    expires: u32,
    /// Account-Realm of the last event that had one
    #[schema(nullable = false)]
    account_realm: Option<String>,
    /// Account-Name of the last event that had one
    #[schema(nullable = false)]
    account_name: Option<String>,
    /// The device's id
    #[schema(nullable = false)]
    authorizing_id: Option<String>,
    /// Authorizing-Type of the last event that had one
    #[schema(nullable = false)]
    authorizing_type: Option<String>,
    /// Suppress-Unregister-Notify of the last event that had one
    suppress_unregister_notify: bool,
    /// Register-Overwrite-Notify of the last event that had one
    register_overwrite_notify: bool,
    /// The user's id
    #[schema(nullable = false)]
    owner_id: Option<String>,
    /// Presence-ID of the last event that had one
    #[schema(nullable = false)]
    presence_id: Option<String>,
    /// Registrar-Node of the last event that had one
    #[schema(nullable = false)]
    registrar_node: Option<String>,
    /// Registrar-Hostname of the last event that had one
    #[schema(nullable = false)]
    registrar_hostname: Option<String>,
    /// Bridge-Ruri of the last event that had one
    #[schema(nullable = false)]
    bridge_ruri: Option<String>,
    /// First-Registration of the last event that had one
    first_registration: bool,
    /// When this chain of refreshes began, Gregorian seconds
    initial_registration: u64,
    /// Of the last REGISTER, Gregorian seconds
    last_registration: u64,
    /// Source-IP of the last event that had one
    #[schema(nullable = false)]
    source_ip: Option<String>,
    /// Source-Port of the last event that had one
    #[schema(nullable = false)]
    source_port: Option<String>,
    /// Host of the original contact; missing if that cannot be read
    #[schema(nullable = false)]
    contact_ip: Option<String>,
    /// Port of the original contact
    #[schema(nullable = false)]
    contact_port: Option<u16>,
}

/// A device that is registered
#[derive(ToSchema)]
pub(crate) struct Device {
    /// Its id
    device_id: String,
    /// Always true
    registered: bool,
}

/// How many there are
#[derive(ToSchema)]
pub(crate) struct Count {
    count: u64,
}

/// Declares an answer in the envelope.
macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($data:ty);)*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            pub(crate) struct $name {
                data: $data,
                /// Identifies the request in the log, 32 hex digits
                #[schema(min_length = 32, max_length = 32)]
                request_id: String,
                /// Of the data; also the ETag
                revision: String,
                /// Always `success`
                status: String,
                /// When, ISO 8601
                timestamp: String,
                version: String,
                /// Who answers
                node: String,
                /// The caller's token, unless that is turned off
                #[schema(nullable = false)]
                auth_token: Option<String>,
                /// Of lists: how many there are here
                #[schema(nullable = false)]
                page_size: Option<u64>,
                /// Of pages: where this one begins
                #[schema(nullable = false)]
                start_key: Option<String>,
                /// Of pages: where the next one begins
                #[schema(nullable = false)]
                next_start_key: Option<String>,
                /// What else will happen by itself
                #[schema(nullable = false)]
                note: Option<String>,
                /// Zones that did not take a flush
                #[schema(nullable = false)]
                warning: Option<String>,
            }
        )*
    };
}

answers! {
    /// A list
    ListAnswer(Vec<Registration>);
    /// One registration
    OneAnswer(Registration);
    /// How many
    CountAnswer(Count);
    /// Devices
    DevicesAnswer(Vec<Device>);
    /// How all registrations stand
    SummaryAnswer(Totals);
    /// Done
    OkAnswer(String);
}

/// A request that failed
#[derive(ToSchema)]
pub(crate) struct Failure {
    /// What was wrong and what to do
    #[schema(value_type = Object)]
    data: Value,
    /// The status as text
    error: String,
    /// A short name
    message: String,
    /// `error`, or `fatal` where it is not the caller's fault
    status: String,
    #[schema(min_length = 32, max_length = 32)]
    request_id: String,
    timestamp: String,
    version: String,
    node: String,
    #[schema(nullable = false)]
    auth_token: Option<String>,
}

/// How a question may fail.
#[derive(IntoResponses)]
pub(crate) enum ReadRefused {
    /// `parse_error`: a parameter or the username cannot be used
    #[response(status = 400)]
    Parse(Failure),
    /// `invalid_credentials`: no token, or an unknown one
    #[response(status = 401)]
    NoToken(Failure),
    /// `forbidden`: the token has no right to this
    #[response(status = 403)]
    Forbidden(Failure),
    /// `bad_identifier`: unknown account or username; `faulty_request`: no such path
    #[response(status = 404)]
    Unknown(Failure),
    /// `not_acceptable`: an Accept header that takes no type there is
    #[response(status = 406)]
    NotAcceptable(Failure),
    /// `too_many_requests`: see Retry-After
    #[response(status = 429)]
    TooMany(Failure),
    /// `datastore_unreachable`: Crossbar could not be asked about the token; `stopping`
    #[response(status = 503)]
    Unreachable(Failure),
}

/// How a question about all accounts may fail.
#[derive(IntoResponses)]
pub(crate) enum SystemRefused {
    /// `parse_error`: a parameter cannot be used
    #[response(status = 400)]
    Parse(Failure),
    /// `invalid_credentials`: no token, or an unknown one
    #[response(status = 401)]
    NoToken(Failure),
    /// `forbidden`: the token may not see all accounts
    #[response(status = 403)]
    Forbidden(Failure),
    /// `not_acceptable`: an Accept header that takes no type there is
    #[response(status = 406)]
    NotAcceptable(Failure),
    /// `too_many_requests`: see Retry-After
    #[response(status = 429)]
    TooMany(Failure),
    /// `datastore_unreachable`: Crossbar could not be asked about the token
    #[response(status = 503)]
    Unreachable(Failure),
}

/// How a flush may fail.
#[derive(IntoResponses)]
pub(crate) enum FlushRefused {
    /// `parse_error`: a parameter or the username cannot be used
    #[response(status = 400)]
    Parse(Failure),
    /// `invalid_credentials`: no token, or an unknown one
    #[response(status = 401)]
    NoToken(Failure),
    /// `forbidden`: the token has no right to this
    #[response(status = 403)]
    Forbidden(Failure),
    /// `bad_identifier`: unknown account, or a username that is not registered there; `faulty_request`
    #[response(status = 404)]
    Unknown(Failure),
    /// `too_many_requests`: see Retry-After
    #[response(status = 429)]
    TooMany(Failure),
    /// `broker_unreachable`: no broker took the flush, try again; `datastore_unreachable`
    #[response(status = 503)]
    Unreachable(Failure),
}

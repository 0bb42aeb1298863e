//! Shapes of requests and answers, for the API's description only: tests compare them with what is
//! sent.

#![expect(
    dead_code,
    clippy::doc_markdown,
    reason = "only described, in plain text, by the names that are sent"
)]

use kapi::HTTP_FIELDS;
use serde_json::Value;
use utoipa::{
    IntoParams, IntoResponses, PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::{extract::Flag, summary::Totals};

/// Parameters of every list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most this many; `next_start_key` tells where more are
    #[param(minimum = 1, maximum = 10000)]
    page_size: Option<u32>,
    /// Where the page begins: a `next_start_key` of an answer
    #[param(pattern = "^([0-9a-f]{2})+$")]
    start_key: Option<String>,
    /// `false`: all at once, whatever `page_size`
    paginate: Option<Flag>,
    /// Only those with this username; likewise `filter_KEY` for each field of a registration,
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

/// A registration: its fields are those that `kapi` writes.
pub(crate) struct Registration;

impl ToSchema for Registration {}

impl PartialSchema for Registration {
    fn schema() -> RefOr<Schema> {
        let mut object = ObjectBuilder::new().description(Some(
            "A registration: a field that is not known is left out",
        ));
        for name in HTTP_FIELDS {
            let (kind, is_required) = type_of(name);
            let mut field = ObjectBuilder::new().schema_type(kind.clone());
            if kind == Type::Integer {
                let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
                field = field.format(Some(format)).minimum(Some(0));
            }
            object = object.property(name, field.description(Some(text_of(name))));
            if is_required {
                object = object.required(name);
            }
        }
        object.into()
    }
}

fn text_of(field: &str) -> &'static str {
    match field {
        "username" => "SIP username",
        "realm" => "SIP realm",
        "event_timestamp" | "last_registration" => {
            "Of the last REGISTER, Gregorian seconds (Unix seconds + 62167219200)"
        }
        "initial_registration" => "When this chain of refreshes began, Gregorian seconds",
        "contact" => "The contact without angle brackets",
        "original_contact" => "The contact as the phone sent it",
        "expires" => "Lifetime in seconds, padding included",
        "authorizing_id" => "The device's id",
        "owner_id" => "The user's id",
        "contact_ip" => "Host of the original contact; missing if that cannot be read",
        "contact_port" => "Port of the original contact",
        _ => "Of the last event that had it",
    }
}

/// A field's type, and whether every registration has it.
fn type_of(field: &str) -> (Type, bool) {
    match field {
        "event_timestamp" | "initial_registration" | "last_registration" | "expires" => {
            (Type::Integer, true)
        }
        "proxy_port" | "contact_port" => (Type::Integer, false),
        "suppress_unregister_notify" | "register_overwrite_notify" | "first_registration" => {
            (Type::Boolean, true)
        }
        "username" | "realm" | "from_host" | "to_host" | "contact" | "original_contact" => {
            (Type::String, true)
        }
        _ => (Type::String, false),
    }
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

/// How a request may fail.
#[derive(IntoResponses)]
pub(crate) enum Refused {
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
    /// `not_acceptable`: an Accept header that takes no supported type
    #[response(status = 406)]
    NotAcceptable(Failure),
    /// `too_many_requests`: see Retry-After
    #[response(status = 429)]
    TooMany(Failure),
    /// `datastore_unreachable`: Crossbar could not be asked about the token; `broker_unreachable`: no
    /// broker took the flush, try again; `stopping`
    #[response(status = 503)]
    Unreachable(Failure),
}

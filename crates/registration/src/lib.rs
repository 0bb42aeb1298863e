//! What a SIP registration is, and the rules a registrar keeps.
//!
//! Pure: no serialisation, no runtime, no network. Everything here is decided from its arguments,
//! so that the rules can be read, tested and reordered without a broker or a clock.

mod aor;
mod clock;
mod contact;
mod name;
mod record;
mod report;
mod rules;
mod time;

pub use aor::Aor;
pub use clock::{Clock, ManualClock, SystemClock};
pub use contact::{ContactAddress, ContactKind, addr_spec, strip_brackets};
pub use name::{AccountId, MAX_NAME_BYTES, NameError, UnsafeName, Zone, check_flushable};
pub use record::{AccountData, Proxy, Registration, Source, Text, View};
pub use report::{Lifetime, Origin, Report};
pub use rules::{
    Balance, BindingHistory, Decision, DecisionContext, Ignored, Policy, Removal, Stored, Verdict,
    decide, override_with, same_binding,
};
pub use time::{GREGORIAN_UNIX_OFFSET, UnixMillis, UnixSeconds};

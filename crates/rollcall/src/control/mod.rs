//! What the command line asks and orders of a running service, and what needs none.

mod act;
mod check;
mod client;
mod exit;
mod healthcheck;
mod list;
mod output;
mod pages;
mod status;
mod table;
mod watch;

pub use act::{FlushArgs, SyncArgs};
pub use check::CheckArgs;
pub use exit::{Code, Failure, code};
pub use healthcheck::HealthcheckArgs;
pub use list::{CountArgs, DetailsArgs, SummaryArgs};
pub use output::is_closed;
pub use pages::{ManArgs, completions, openapi};
pub use status::StatusArgs;
pub use watch::WatchArgs;

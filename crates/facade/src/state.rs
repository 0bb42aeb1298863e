//! What every handler has at hand.

use std::sync::Arc;

use registrar::{Feed, Registrar};
use registration::Clock;

use crate::{auth::Auth, metrics::Metrics, summary::Summary, throttle::Throttle};

/// State that all requests share.
pub struct Facade {
    /// The cache of registrations and its service.
    pub registrar: Arc<Registrar>,
    /// Checks tokens.
    pub auth: Auth,
    /// The API's description, as [`crate::description`] makes it.
    pub description: String,
    /// Changes as they happen.
    pub feed: Arc<Feed>,
    /// Counts of all registrations, and of the last hour's changes.
    pub summary: Arc<Summary>,
    /// Limits on how often callers may ask.
    pub throttle: Arc<Throttle>,
    /// Metrics of the process.
    pub metrics: Metrics,
    /// Time of the answers' timestamps.
    pub clock: Arc<dyn Clock>,
    /// Name of this node, shown in every answer.
    pub node: String,
    /// Whether answers repeat the caller's token, as Crossbar's do.
    pub echo_token: bool,
}

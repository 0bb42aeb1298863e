//! Answers without an end: changes as they happen.

use std::{convert::Infallible, time::Duration};

use actix_web::{HttpResponse, http::header, web::Bytes};
use futures_util::{Stream, StreamExt as _};
use registrar::{FeedEvent, FeedSubscription};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

/// How often something is sent where nothing happens, so that a lost connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a follower receives.
pub(super) enum Next {
    /// A change, as it is shown.
    Shown(Bytes),
    /// Nothing to show within 15 seconds.
    Quiet,
    /// The follower was too slow, and missed changes. Nothing comes after this.
    Dropped,
    /// This node stops. Nothing comes after this.
    Stopping,
}

/// Waits for the next change that `show` shows.
pub(super) async fn next(
    following: &mut FeedSubscription,
    show: impl Fn(&FeedEvent) -> Option<Bytes>,
) -> Next {
    let heartbeat = Instant::now() + HEARTBEAT;
    loop {
        match timeout_at(heartbeat, following.next.recv()).await {
            Err(_) => return Next::Quiet,
            Ok(Ok(told)) => {
                if let Some(shown) = show(&told) {
                    return Next::Shown(shown);
                }
            }
            Ok(Err(RecvError::Lagged(_))) => return Next::Dropped,
            Ok(Err(RecvError::Closed)) => return Next::Stopping,
        }
    }
}

/// Answers with a stream of changes.
pub(super) fn streamed(
    content_type: &'static str,
    changes: impl Stream<Item = Bytes> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold changes back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(changes.map(Ok::<_, Infallible>)))
}

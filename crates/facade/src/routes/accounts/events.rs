//! `GET /v2/accounts/{ACCOUNT_ID}/registrations/events`: an account's changes as they happen, as
//! server-sent events (HTML Living Standard, 9.2).

use std::{collections::VecDeque, time::Duration};

use actix_web::{
    HttpRequest,
    web::{Bytes, Data},
};
use futures_util::stream;
use registrar::{Change, FeedEvent, FeedSubscription, Scope};
use tokio::time::Instant;

use crate::{
    auth::Subject,
    error::ApiError,
    extract::{AccountPath, Authorized, Flag, Params, Read, check},
    list::Shape,
    response::{Answer, change_name, schemas::Refused},
    routes::follow::{Next, next, streamed},
    state::Facade,
};

/// How often the caller's right is checked again.
const RECHECK: Duration = Duration::from_mins(1);

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/events`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/events", tag = "account",
    params(AccountPath, ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that is known"), ("with_zone" = Option<Flag>, Query, description = "Each registration with its `zone`, where it was heard")),
    responses(
        (status = 200, description = "Changes as they happen", body = Object, content_type = "text/event-stream"),
        Refused
    )
)]
pub(crate) async fn events(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<Read>,
) -> Answer {
    let shape = Shape::of(&Params::of(&req))?;
    let last = req.headers().get("Last-Event-ID");
    let last = last.and_then(|id| id.to_str().ok());
    let following = facade.feed.follow(last).ok_or(ApiError::Stopping)?;
    let follower = Follower::new(req, facade, (caller.scope, shape), following);
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    });
    Ok(streamed("text/event-stream", events))
}

struct Follower {
    facade: Data<Facade>,
    scope: Scope,
    shape: Shape,
    req: HttpRequest,
    /// Events to be sent before others.
    ready: VecDeque<Bytes>,
    following: FeedSubscription,
    recheck: Instant,
    ended: bool,
}

impl Follower {
    fn new(
        req: HttpRequest,
        facade: Data<Facade>,
        (scope, shape): (Scope, Shape),
        mut following: FeedSubscription,
    ) -> Self {
        let mut ready = VecDeque::new();
        match following.missed.take() {
            Some(missed) => {
                let shown = |told| shown(&facade, &scope, shape, told);
                ready.extend(missed.iter().filter_map(|told| shown(told)));
            }
            None => ready.push_back(notice(
                "reset",
                "what was missed is no longer known: list again",
            )),
        }
        ready.push_back(Bytes::from(format!(
            "retry: 2000\nid: {}\nevent: ready\ndata: {{}}\n\n",
            following.last_id
        )));
        Self {
            req,
            facade,
            scope,
            shape,
            ready,
            following,
            recheck: Instant::now() + RECHECK,
            ended: false,
        }
    }

    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(event) = self.ready.pop_front() {
            return Some(event);
        }
        if self.ended {
            return None;
        }
        if self.recheck <= Instant::now() && !self.may_still_read().await {
            return Some(self.last("unauthorized", "the token is no longer valid"));
        }
        let (facade, scope, shape) = (&self.facade, &self.scope, self.shape);
        let show = |told: &FeedEvent| shown(facade, scope, shape, told);
        Some(match next(&mut self.following, show).await {
            Next::Shown(event) => event,
            Next::Quiet => Bytes::from_static(b":\n\n"),
            Next::Dropped => {
                let why = "read too slowly, some were dropped: list again and reconnect";
                self.last("dropped", why)
            }
            Next::Stopping => self.last("stopping", "this node stops: reconnect"),
        })
    }

    fn last(&mut self, event: &str, message: &str) -> Bytes {
        self.ended = true;
        notice(event, message)
    }

    async fn may_still_read(&mut self) -> bool {
        self.recheck = Instant::now() + RECHECK;
        let subject = Subject::Account(self.scope.account);
        let checked = check::<Read>(&self.req, &self.facade, &subject, "events").await;
        // The stream goes on where the token cannot be checked just now.
        !matches!(
            checked,
            Err(ApiError::InvalidCredentials | ApiError::Forbidden)
        )
    }
}

/// An event about the stream itself.
fn notice(event: &str, message: &str) -> Bytes {
    let data = serde_json::json!({ "message": message });
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

/// A change as an event, if it is the account's.
fn shown(facade: &Facade, scope: &Scope, shape: Shape, told: &FeedEvent) -> Option<Bytes> {
    let Change {
        kind,
        before,
        after,
        ..
    } = &told.change;
    let mut sides = [after, before].into_iter().flatten();
    let entry = sides.find(|entry| scope.has(entry))?;
    let (id, name) = (facade.feed.id(told), change_name(*kind));
    let mut event = format!("id: {id}\nevent: {name}\ndata: ").into_bytes();
    shape.write(&entry.view(), &mut event);
    event.extend_from_slice(b"\n\n");
    Some(event.into())
}

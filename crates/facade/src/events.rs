//! An account's changes as they happen, as server-sent events (HTML Living Standard, 9.2).

use std::{borrow::Cow, collections::VecDeque, convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::stream;
use registrar::{Change, ChangeKind, Following, Scope, Told};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

use crate::{
    Facade,
    auth::{Access, Right, Subject, Token, token_of},
    caller::{Authorized, ToRead},
    error::ApiError,
    openapi::ReadRefused,
    query::{Flag, Params},
    zoned::Shape,
};

/// How often a word is said where nothing happens, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is seen that the caller may still see this.
const RECHECK: Duration = Duration::from_mins(1);

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/events`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/events", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that is known"), ("with_zone" = Option<Flag>, Query, description = "Each registration with its `zone`, where it was heard")),
    responses(
        (status = 200, description = "Changes as they happen", body = Object, content_type = "text/event-stream"),
        ReadRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn events(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Result<HttpResponse, ApiError> {
    let shape = Shape::of(&Params::of(&req))?;
    let last = req.headers().get("Last-Event-ID");
    let last = last.and_then(|id| id.to_str().ok());
    let following = facade.feed.follow(last).ok_or(ApiError::Stopping)?;
    let follower = Follower::new(&req, facade, (caller.scope, shape), following);
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(events)))
}

struct Follower {
    facade: Data<Facade>,
    scope: Scope,
    shape: Shape,
    token: Option<String>,
    ready: VecDeque<Bytes>,
    following: Following,
    recheck: Instant,
    ended: bool,
}

impl Follower {
    fn new(
        req: &HttpRequest,
        facade: Data<Facade>,
        (scope, shape): (Scope, Shape),
        mut following: Following,
    ) -> Self {
        let mut ready = VecDeque::new();
        match following.missed.take() {
            Some(missed) => {
                let shown = missed
                    .iter()
                    .filter_map(|told| shown(&facade, &scope, shape, told));
                ready.extend(shown);
            }
            None => ready.push_back(word(
                "reset",
                "what was missed is not known any more: list again",
            )),
        }
        ready.push_back(Bytes::from(format!(
            "retry: 2000\nid: {}\nevent: ready\ndata: {{}}\n\n",
            following.last_id
        )));
        Self {
            token: token_of(req.head()).map(Cow::into_owned),
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
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            if self.recheck <= Instant::now() && !self.may_still().await {
                return Some(self.last(word("unauthorized", "the token is good no more")));
            }
            match timeout_at(heartbeat, self.following.next.recv()).await {
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
                Ok(Ok(told)) => {
                    if let Some(event) = shown(&self.facade, &self.scope, self.shape, &told) {
                        return Some(event);
                    }
                }
                Ok(Err(RecvError::Lagged(_))) => {
                    let why = "read too slowly, some were dropped: list again and reconnect";
                    return Some(self.last(word("dropped", why)));
                }
                Ok(Err(RecvError::Closed)) => {
                    return Some(self.last(word("stopping", "this node stops: reconnect")));
                }
            }
        }
    }

    fn last(&mut self, event: Bytes) -> Bytes {
        self.ended = true;
        event
    }

    async fn may_still(&mut self) -> bool {
        self.recheck = Instant::now() + RECHECK;
        let subject = Subject::Account(self.scope.account);
        let access = Access {
            subject: &subject,
            right: Right::Read,
            method: "GET",
            endpoint: "registrations",
            arguments: "events",
        };
        let token = self.token.as_deref().map(Token::new);
        let checked = self.facade.auth.check(token.as_ref(), access).await;
        // That it cannot be found out just now is no reason to end it.
        !matches!(
            checked,
            Err(crate::auth::Denied::NoCredentials | crate::auth::Denied::NoRight)
        )
    }
}

/// Something to say of the stream itself.
fn word(event: &str, message: &str) -> Bytes {
    let data = serde_json::json!({ "message": message });
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

/// A change as an event, if it is the account's.
fn shown(facade: &Facade, scope: &Scope, shape: Shape, told: &Told) -> Option<Bytes> {
    let Change {
        kind,
        before,
        after,
        ..
    } = &told.change;
    let concerned = [after, before].into_iter().flatten();
    let held = concerned.into_iter().find(|held| scope.has(held))?;
    let id = facade.feed.id(told);
    let mut event = format!("id: {id}\nevent: {}\ndata: ", name(*kind)).into_bytes();
    shape.write(&held.view(), &mut event);
    event.extend_from_slice(b"\n\n");
    Some(Bytes::from(event))
}

/// What a kind of change is called.
pub(crate) fn name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Registered => "registered",
        ChangeKind::Refreshed | ChangeKind::Identified => "refreshed",
        ChangeKind::Moved => "moved",
        ChangeKind::Unregistered => "unregistered",
        // The proxy had it no more, without a word.
        ChangeKind::Expired | ChangeKind::Vanished => "expired",
        ChangeKind::Flushed => "flushed",
    }
}

//! Changes of a realm, or of all, as they happen: a JSON object a line.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::stream;
use registrar::{Change, Following};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

use super::{LINES, Operator, list::write_line, realm};
use crate::{Facade, caller::ToRead, error::ApiError, events::name, query::Params};

/// How often an empty line is sent where nothing happens, so that a connection that is gone is
/// noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `GET /admin/changes?realm=R`
pub(super) async fn changes(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Operator<ToRead>,
) -> Result<HttpResponse, ApiError> {
    let realm = realm(&Params::of(&req))?;
    let following = facade.feed.follow(None).ok_or(ApiError::Stopping)?;
    let follower = Follower {
        facade,
        realm,
        following,
        // The head goes out with the first line: from then on nothing is missed.
        greeting: Some(Bytes::from_static(b"\n")),
        ended: false,
    };
    let lines = stream::unfold(follower, |mut follower| async move {
        let line = follower.next().await?;
        Some((Ok::<_, Infallible>(line), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type(LINES)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold lines back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(Box::pin(lines)))
}

struct Follower {
    facade: Data<Facade>,
    realm: Option<String>,
    following: Following,
    greeting: Option<Bytes>,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let heartbeat = Instant::now() + HEARTBEAT;
        while !self.ended {
            match timeout_at(heartbeat, self.following.next.recv()).await {
                Err(_) => return Some(Bytes::from_static(b"\n")),
                Ok(Ok(told)) => {
                    if let Some(line) = self.line(&told.change) {
                        return Some(line);
                    }
                }
                Ok(Err(end)) => {
                    self.ended = true;
                    let word: &[u8] = match end {
                        RecvError::Lagged(_) => b"{\"end\":\"dropped\"}\n",
                        RecvError::Closed => b"{\"end\":\"stopping\"}\n",
                    };
                    return Some(Bytes::from_static(word));
                }
            }
        }
        None
    }

    fn line(&self, change: &Change) -> Option<Bytes> {
        let mut concerned = [&change.after, &change.before].into_iter().flatten();
        let held = concerned.find(|held| {
            let realm = self.realm.as_deref();
            realm.is_none_or(|realm| held.is_of_realm(realm))
        })?;
        let now = self.facade.clock.now();
        let mut line = format!(
            "{{\"change\":\"{}\",\"time\":{},\"registration\":",
            name(change.kind),
            now.seconds().0
        )
        .into_bytes();
        write_line(&held.view(), now, &mut line);
        line.pop();
        line.extend_from_slice(b"}\n");
        Some(Bytes::from(line))
    }
}

//! `GET /admin/changes?realm=R`: changes as they happen, a JSON object a line.

use actix_web::{
    HttpRequest,
    web::{Bytes, Data},
};
use futures_util::stream;
use registrar::{Change, FeedSubscription};

use super::line::{LINES, write_line};
use crate::{
    error::ApiError,
    extract::{Operator, Params, Read, realm_of},
    response::{Answer, change_name},
    routes::follow::{Next, next, streamed},
    state::Facade,
};

/// Follows the changes of a realm, or all.
pub(super) async fn changes(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    let realm = realm_of(&Params::of(&req))?;
    let following = facade.feed.follow(None).ok_or(ApiError::Stopping)?;
    let follower = Follower {
        facade,
        realm,
        following,
        greeted: false,
        ended: false,
    };
    let lines = stream::unfold(follower, |mut follower| async move {
        let line = follower.next().await?;
        Some((line, follower))
    });
    Ok(streamed(LINES, lines))
}

struct Follower {
    facade: Data<Facade>,
    realm: Option<String>,
    following: FeedSubscription,
    greeted: bool,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if !std::mem::replace(&mut self.greeted, true) {
            // The head goes out with the first line: nothing is missed from then on.
            return Some(Bytes::from_static(b"\n"));
        }
        let (facade, realm) = (&self.facade, self.realm.as_deref());
        let next = next(&mut self.following, |told| {
            line(facade, realm, &told.change)
        });
        let (line, ended): (Bytes, bool) = match next.await {
            Next::Shown(line) => (line, false),
            Next::Quiet => (Bytes::from_static(b"\n"), false),
            Next::Dropped => (Bytes::from_static(b"{\"end\":\"dropped\"}\n"), true),
            Next::Stopping => (Bytes::from_static(b"{\"end\":\"stopping\"}\n"), true),
        };
        self.ended = ended;
        Some(line)
    }
}

fn line(facade: &Facade, realm: Option<&str>, change: &Change) -> Option<Bytes> {
    let mut sides = [&change.after, &change.before].into_iter().flatten();
    let entry = sides.find(|entry| realm.is_none_or(|realm| entry.is_of_realm(realm)))?;
    let now = facade.clock.now();
    let (kind, time) = (change_name(change.kind), now.seconds().0);
    let mut line =
        format!("{{\"change\":\"{kind}\",\"time\":{time},\"registration\":").into_bytes();
    write_line(&entry.view(), now, &mut line);
    line.pop();
    line.extend_from_slice(b"}\n");
    Some(line.into())
}

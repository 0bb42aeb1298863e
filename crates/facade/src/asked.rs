//! A request, however far it has come: to the routes, or only to the door.

use std::{borrow::Cow, time::Instant};

use actix_web::{HttpMessage as _, HttpRequest, dev::RequestHead};

use crate::{auth::token_of, boundary::RequestId};

/// What is noted of a request when it comes.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// What it goes by in its answer and in the log.
    pub(crate) id: RequestId,
    pub(crate) at: Instant,
}

impl Arrival {
    /// Of a request that comes now.
    pub(crate) fn of(head: &RequestHead) -> Self {
        Self {
            id: RequestId::given_by(&head.headers),
            at: Instant::now(),
        }
    }
}

/// What answers are made of.
pub(crate) trait Asked {
    /// Its first line, headers, and where it comes from.
    fn head(&self) -> &RequestHead;
    /// What was noted of it when it came.
    fn arrival(&self) -> Arrival;
    /// The caller's token.
    fn token(&self) -> Option<Cow<'_, str>> {
        token_of(self.head())
    }
}

impl Asked for HttpRequest {
    fn head(&self) -> &RequestHead {
        HttpRequest::head(self)
    }

    fn arrival(&self) -> Arrival {
        let noted = self.extensions().get().copied();
        noted.unwrap_or_else(|| Arrival::of(HttpRequest::head(self)))
    }
}

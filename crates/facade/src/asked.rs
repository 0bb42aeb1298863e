//! A request, however far it has come: to the routes, or only to the door.

use actix_web::{HttpMessage as _, HttpRequest, dev::RequestHead};

use crate::boundary::RequestId;

/// What answers are made of.
pub(crate) trait Asked {
    /// Its first line, headers, and where it comes from.
    fn head(&self) -> &RequestHead;
    /// What it goes by in its answer and in the log.
    fn id(&self) -> RequestId;
}

impl Asked for HttpRequest {
    fn head(&self) -> &RequestHead {
        HttpRequest::head(self)
    }

    fn id(&self) -> RequestId {
        self.extensions().get().copied().unwrap_or_default()
    }
}

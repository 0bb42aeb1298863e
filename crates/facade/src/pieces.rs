//! A body in pieces, of which some may be somebody else's too: nothing is copied to make it one.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

/// The pieces, in order.
pub(crate) struct Pieces {
    left: std::array::IntoIter<Bytes, 3>,
    length: usize,
}

impl Pieces {
    pub(crate) fn new(pieces: [Bytes; 3]) -> Self {
        Self {
            length: pieces.iter().map(Bytes::len).sum(),
            left: pieces.into_iter(),
        }
    }

    /// All in one.
    pub(crate) fn join(self) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.length);
        self.left.for_each(|piece| joined.extend_from_slice(&piece));
        joined
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.left.next().map(Ok))
    }
}

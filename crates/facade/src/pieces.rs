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

/// As much as is handed over at once: what a slow client has not taken yet is copied for it.
const MOST: usize = 131_072;

/// The pieces, in order.
pub(crate) struct Pieces {
    left: [Bytes; 2],
    length: usize,
}

impl Pieces {
    pub(crate) fn new(pieces: [Bytes; 2]) -> Self {
        Self {
            length: pieces.iter().map(Bytes::len).sum(),
            left: pieces,
        }
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
        let mut left = self.left.iter_mut();
        let next = left.find(|piece| !piece.is_empty());
        Poll::Ready(next.map(|piece| Ok(piece.split_to(MOST.min(piece.len())))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn pieces_come_whole_and_in_order() {
        let long = [b"x".repeat(MOST), b"y".repeat(MOST), b"z".to_vec()].concat();
        let pieces = || Pieces::new(["head".into(), Bytes::from(long.clone())]);
        let whole = [b"head", long.as_slice()].concat();
        assert_eq!(pieces().size(), BodySize::Sized(whole.len() as u64));
        assert_eq!(to_bytes(pieces()).await.unwrap(), whole);
    }
}

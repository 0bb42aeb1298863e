//! Text of a long list, a piece at a time.

use std::{convert::Infallible, iter};

use actix_web::{HttpResponse, HttpResponseBuilder, web::Bytes};
use futures_util::stream;
use registrar::EntryRef;

/// About how much text is held at a time.
const PIECE_BYTES: usize = 65_536;
/// Room for the item that fills a piece.
const ITEM_BYTES: usize = 4096;

/// Writes a list piece by piece, each when it is wanted.
pub(crate) struct Pieces<W> {
    /// Goes before the first item, and is the buffer of the first piece.
    head: Vec<u8>,
    left: iter::Enumerate<std::vec::IntoIter<EntryRef>>,
    write: W,
    /// Goes behind the last item; `None` when it was written.
    tail: Option<&'static str>,
}

impl<W: FnMut(usize, &EntryRef, &mut Vec<u8>)> Pieces<W> {
    /// `write` appends an item, given its number and itself.
    pub(crate) fn new(
        head: Vec<u8>,
        registrations: Vec<EntryRef>,
        write: W,
        tail: &'static str,
    ) -> Self {
        Self {
            head,
            left: registrations.into_iter().enumerate(),
            write,
            tail: Some(tail),
        }
    }
}

impl<W: FnMut(usize, &EntryRef, &mut Vec<u8>)> Iterator for Pieces<W> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.tail?;
        let mut piece = std::mem::take(&mut self.head);
        let expected = self.left.len().saturating_mul(1024);
        piece.reserve(expected.min(PIECE_BYTES) + ITEM_BYTES);
        while piece.len() < PIECE_BYTES {
            let Some((at, entry)) = self.left.next() else {
                piece.extend_from_slice(self.tail.take()?.as_bytes());
                break;
            };
            (self.write)(at, &entry, &mut piece);
        }
        Some(piece.into())
    }
}

/// Answers with all pieces: in one if there is but one, else streamed.
pub(crate) fn send<W>(response: &mut HttpResponseBuilder, mut pieces: Pieces<W>) -> HttpResponse
where
    W: FnMut(usize, &EntryRef, &mut Vec<u8>) + 'static,
{
    let first = pieces.next().unwrap_or_default();
    if pieces.tail.is_none() {
        return response.body(first);
    }
    let all = iter::once(first).chain(pieces);
    response.streaming(stream::iter(all.map(Ok::<_, Infallible>)))
}

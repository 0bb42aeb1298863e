//! A list as JSON.

use actix_web::{HttpRequest, HttpResponse, http::header};
use registrar::EntryRef;
use sha2::{Digest as _, Sha256};

use super::{
    pieces::{Pieces, send},
    shape::Shape,
};
use crate::{
    response::{Extras, JSON, Revision, before_data, json},
    state::Facade,
};

/// Lists up to this long are indented if that is asked for.
const SHORT: usize = 200;

/// Answers with a sorted list.
pub(super) fn answer(
    req: &HttpRequest,
    facade: &Facade,
    (registrations, shape, pretty): (Vec<EntryRef>, Shape, bool),
    extras: &Extras,
) -> HttpResponse {
    let revision = revision(&registrations, shape);
    if let Some(unchanged) = revision.unchanged(req) {
        return unchanged;
    }
    let pretty = pretty && registrations.len() <= SHORT;
    let mut head = before_data(req, facade, &revision, extras);
    head.push(b'[');
    let write = move |at, entry: &EntryRef, out: &mut Vec<u8>| {
        if at > 0 {
            out.push(b',');
        }
        shape.write(&entry.view(), out);
    };
    let pieces = Pieces::new(head, registrations, write, "]}");
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, revision.etag()));
    if pretty {
        let whole: Vec<_> = pieces.collect();
        return json(&mut response, whole.concat(), pretty);
    }
    response.content_type(JSON);
    send(&mut response, pieces)
}

/// The revision of a list: a digest of what its entries hold.
fn revision(registrations: &[EntryRef], shape: Shape) -> Revision {
    let mut digest = Sha256::new();
    digest.update([u8::from(shape.with_zone)]);
    for entry in registrations {
        digest.update(entry.digest());
        digest.update(entry.last_registration().0.to_be_bytes());
    }
    Revision::of_digest(&digest.finalize())
}

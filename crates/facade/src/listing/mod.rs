//! Answers that are lists: filtered, in order, in pages or whole, as JSON or as a table.
//!
//! A long list is never held as text: it is written piece by piece, as the client takes it, with a
//! revision of what the table holds of it.

use std::convert::Infallible;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use futures_util::stream;
use registrar::{Held, Scope, content_of};
use sha2::{Digest as _, Sha256};

use crate::{
    Facade,
    accept::{Format, wanted},
    envelope::{self, Extras},
    error::ApiError,
    filter::Filters,
    order::{Place, by_name},
    query::Params,
    revision::Revision,
    table_format::{write_head, write_row},
    zoned::Shape,
};

/// The largest page.
const MAX_PAGE: usize = 10_000;
/// Lists up to this long are answered in one piece, and indented if that is asked for.
const SHORT: usize = 200;
/// About how much of a longer one is held at a time.
const PIECE_BYTES: usize = 65_536;

type Registrations = Vec<Held>;

/// Answers with those registrations of an account, or of all, that the request wants.
pub(crate) fn answer(
    req: &HttpRequest,
    facade: &Facade,
    scope: Option<&Scope>,
) -> Result<HttpResponse, ApiError> {
    let params = Params::of(req);
    let format = wanted(req, &params)?;
    // A long list is not indented, but what cannot be is refused all the same.
    params.flag("pretty")?;
    let filters = Filters::of(&params)?;
    let page = Page::of(&params)?;
    let shape = Shape::of(&params)?;
    let mut registrations = match scope {
        Some(scope) => facade.registrar.list(scope),
        None => facade.registrar.all(),
    };
    if !filters.is_empty() {
        registrations.retain(|held| filters.admit(&held.view()));
    }
    registrations.sort_by(by_name);
    let next = page.cut(&mut registrations);
    match format {
        Format::Json => {
            let extras = Extras {
                page_size: Some(registrations.len()),
                start_key: page.start.map(|start| start.to_key()),
                next_start_key: next.map(|next| next.to_key()),
                ..Extras::default()
            };
            json(req, facade, (registrations, shape), &extras)
        }
        Format::Csv => Ok(csv(registrations, next)),
    }
}

/// Which part of a list is wanted; all of it by default.
#[derive(Default)]
struct Page {
    start: Option<Place>,
    size: Option<usize>,
}

impl Page {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let bad = |parameter, got: &str, takes| ApiError::Parse {
            parameter,
            got: got.chars().take(100).collect(),
            takes,
        };
        let size = |got: &str| {
            let size = got
                .parse()
                .ok()
                .filter(|size| (1..=MAX_PAGE).contains(size));
            size.ok_or_else(|| bad("page_size", got, "a whole number from 1 to 10000"))
        };
        let start = |got: &str| {
            Place::from_key(got)
                .ok_or_else(|| bad("start_key", got, "a next_start_key of an answer"))
        };
        let page = Self {
            start: params.get("start_key").map(start).transpose()?,
            size: params.get("page_size").map(size).transpose()?,
        };
        let whole = params.get("paginate").is_some() && !params.flag("paginate")?;
        Ok(if whole { Self::default() } else { page })
    }

    /// Leaves this page of a list that is in order; returns where the next one begins.
    fn cut(&self, registrations: &mut Registrations) -> Option<Place> {
        if let Some(start) = &self.start {
            let before = registrations.partition_point(|r| start.is_after(r));
            registrations.drain(..before);
        }
        let size = self.size?;
        let next = registrations.get(size).map(Place::of);
        registrations.truncate(size);
        next
    }
}

fn write_item(shape: Shape, at: usize, held: &Held, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
    shape.write(&held.view(), out);
}

/// All in one piece.
fn text<'a>(registrations: impl IntoIterator<Item = &'a Held>, shape: Shape) -> Vec<u8> {
    let mut data = vec![b'['];
    for (at, held) in registrations.into_iter().enumerate() {
        write_item(shape, at, held, &mut data);
    }
    data.push(b']');
    data
}

fn json(
    req: &HttpRequest,
    facade: &Facade,
    (registrations, shape): (Registrations, Shape),
    extras: &Extras,
) -> Result<HttpResponse, ApiError> {
    if registrations.len() <= SHORT {
        return envelope::success(req, facade, &text(&registrations, shape), extras);
    }
    let revision = revision(&registrations, shape);
    if let Some(unchanged) = revision.unchanged(req) {
        return Ok(unchanged);
    }
    let mut head = envelope::before_data(req, facade, &revision, extras);
    head.push(b'[');
    let tail = ["]", envelope::END].concat().into_bytes();
    let write = move |at, held: &Held, out: &mut Vec<u8>| write_item(shape, at, held, out);
    let pieces = pieces(head, registrations, write, tail);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::ETAG, revision.etag()))
        .streaming(stream::iter(pieces.map(Ok::<_, Infallible>))))
}

/// Of a list that is written only as it is sent.
fn revision(registrations: &[Held], shape: Shape) -> Revision {
    let mut digest = Sha256::new();
    digest.update([u8::from(shape.with_zone)]);
    content_of(registrations, |bytes| digest.update(bytes));
    Revision::of_digest(&digest.finalize())
}

fn csv(registrations: Registrations, next: Option<Place>) -> HttpResponse {
    let mut head = Vec::new();
    write_head(&mut head);
    let pieces = pieces(
        head,
        registrations,
        |_, held, out| write_row(&held.view(), out),
        Vec::new(),
    );
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=registrations.csv",
        ));
    if let Some(next) = next
        && let Ok(key) = HeaderValue::from_str(&next.to_key())
    {
        response.insert_header(("X-Next-Start-Key", key));
    }
    response.streaming(stream::iter(pieces.map(Ok::<_, Infallible>)))
}

/// The list's text, a piece at a time, each made when it is wanted.
pub(crate) fn pieces(
    head: Vec<u8>,
    registrations: Registrations,
    write: impl Fn(usize, &Held, &mut Vec<u8>),
    tail: Vec<u8>,
) -> impl Iterator<Item = Bytes> {
    let mut left = registrations.into_iter().enumerate();
    let (mut head, mut tail) = (Some(head), Some(tail));
    std::iter::from_fn(move || {
        let mut piece = head.take().unwrap_or_default();
        while piece.len() < PIECE_BYTES {
            let Some((at, registration)) = left.next() else {
                piece.append(&mut tail.take()?);
                return Some(Bytes::from(piece));
            };
            write(at, &registration, &mut piece);
        }
        Some(Bytes::from(piece))
    })
}

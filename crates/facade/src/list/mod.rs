//! Lists of registrations: filtered, sorted, in pages or whole, as JSON or as CSV.
//!
//! A long list is never held as text: it is written piece by piece, as the client takes it, behind a
//! revision of what the entries hold.

mod csv;
mod cursor;
mod filter;
mod json;
mod page;
mod pieces;
mod shape;

use actix_web::HttpRequest;
use registrar::Scope;

use crate::{
    extract::{Format, Params, wanted_format},
    response::{Answer, Extras},
    state::Facade,
};
pub(crate) use cursor::by_name;
use filter::Filters;
use page::Page;
pub(crate) use pieces::{Pieces, send};
pub(crate) use shape::Shape;

/// Answers with those registrations of an account, or of all, that the request wants.
pub(crate) fn answer(req: &HttpRequest, facade: &Facade, scope: Option<&Scope>) -> Answer {
    let params = Params::of(req);
    let format = wanted_format(req, &params)?;
    let pretty = params.flag("pretty")?;
    let filters = Filters::of(&params)?;
    let page = Page::of(&params)?;
    let shape = Shape::of(&params)?;
    let mut found = match scope {
        Some(scope) => facade.registrar.list(scope),
        None => facade.registrar.cache().all(),
    };
    if !filters.is_empty() {
        found.retain(|entry| filters.admit(&entry.view()));
    }
    cursor::sort(&mut found);
    let next = page.cut(&mut found);
    match format {
        Format::Json => {
            let extras = Extras {
                page_size: Some(found.len()),
                start_key: page.start_key(),
                next_start_key: next.map(|next| next.to_key()),
                ..Extras::default()
            };
            Ok(json::answer(req, facade, (found, shape, pretty), &extras))
        }
        Format::Csv => Ok(csv::answer(found, next.as_ref())),
    }
}

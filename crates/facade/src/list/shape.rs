//! The shape of a registration object: with its zone where that is asked for. Crossbar's have none.

use kapi::{Spelling, write_json, write_text};
use registration::View;

use crate::{error::ApiError, extract::Params};

/// How the registrations of an answer are written.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(super) with_zone: bool,
}

impl Shape {
    /// Reads `with_zone`.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        let with_zone = params.flag("with_zone")?;
        Ok(Self { with_zone })
    }

    /// Appends a registration as one JSON object.
    pub(crate) fn write(self, registration: &View<'_>, out: &mut Vec<u8>) {
        write_json(registration, Spelling::Http, out);
        if self.with_zone && out.pop_if(|last| *last == b'}').is_some() {
            // An object of ours is never empty.
            out.extend_from_slice(b",\"zone\":");
            write_text(registration.zone.as_str(), out);
            out.push(b'}');
        }
    }
}

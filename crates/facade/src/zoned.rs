//! A registration with its zone, for those who ask for it: Crossbar's answers have none.

use kapi::{Spelling, write_json};
use registration::View;
use serde::Serialize as _;

use crate::{error::ApiError, query::Params};

/// How the registrations of an answer are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) with_zone: bool,
}

impl Shape {
    /// As the request wants it.
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
            let mut json = serde_json::Serializer::new(&mut *out);
            let written = registration.zone.as_str().serialize(&mut json);
            debug_assert!(written.is_ok(), "a Vec takes every write");
            out.push(b'}');
        }
    }
}

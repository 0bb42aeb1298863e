//! Which part of a list is wanted.

use registrar::EntryRef;

use super::cursor::Cursor;
use crate::{error::ApiError, extract::Params};

/// The largest page.
const MAX_PAGE: usize = 10_000;

/// A page; the whole list by default.
#[derive(Default)]
pub(super) struct Page {
    start: Option<Cursor>,
    size: Option<usize>,
}

impl Page {
    /// Reads `start_key`, `page_size` and `paginate`.
    pub(super) fn of(params: &Params) -> Result<Self, ApiError> {
        let size = |got: &str| {
            let size = got.parse().ok();
            let size = size.filter(|size| (1..=MAX_PAGE).contains(size));
            let takes = "a whole number from 1 to 10000";
            size.ok_or_else(|| ApiError::bad_parameter("page_size", got, takes))
        };
        let start = |got: &str| {
            let takes = "a next_start_key of an answer";
            let start = Cursor::from_key(got);
            start.ok_or_else(|| ApiError::bad_parameter("start_key", got, takes))
        };
        let page = Self {
            start: params.get("start_key").map(start).transpose()?,
            size: params.get("page_size").map(size).transpose()?,
        };
        let whole = params.get("paginate").is_some() && !params.flag("paginate")?;
        Ok(if whole { Self::default() } else { page })
    }

    /// The key that it begins with, as it was given.
    pub(super) fn start_key(&self) -> Option<String> {
        self.start.as_ref().map(Cursor::to_key)
    }

    /// Leaves this page of a sorted list; returns where the next one begins.
    pub(super) fn cut(&self, registrations: &mut Vec<EntryRef>) -> Option<Cursor> {
        if let Some(start) = &self.start {
            let before = registrations.partition_point(|entry| start.is_after(entry));
            registrations.drain(..before);
        }
        let size = self.size?;
        let next = registrations.get(size).map(Cursor::of);
        registrations.truncate(size);
        next
    }
}

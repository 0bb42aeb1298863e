//! Accounts' lists as they were last answered, for as long as they say what the table holds.
//!
//! Whoever watches an account asks for the same list again and again. To see that nothing of it has
//! changed takes a look at a few counters; to write it anew takes unpacking each registration.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpResponse, web::Bytes};
use hashbrown::DefaultHashBuilder;
use quick_cache::{
    Weighter,
    sync::{Cache, DefaultLifecycle},
};
use registrar::{Held, Mark, Registrar, Scope};
use registration::{AccountId, Text};

use super::text;
use crate::{
    Facade,
    asked::Asked,
    envelope::{self, Content, Extras},
    error::ApiError,
    order::by_name,
    revision::Revision,
    zoned::Shape,
};

/// About what a list takes besides its text.
const BYTES_MORE: u64 = 512;
/// About what a list takes in all: the cache is made of parts with room for many.
const USUAL_BYTES: u64 = 8192;

/// Lists that were answered lately.
pub struct Lists(Cache<Key, Arc<List>, ByBytes, DefaultHashBuilder>);

type Key = (AccountId, Shape);

/// Lists are weighed by the memory that they take.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<List>> for ByBytes {
    fn weight(&self, _: &Key, list: &Arc<List>) -> u64 {
        list.data.len() as u64 + BYTES_MORE
    }
}

/// A list as it was answered.
pub(super) struct List {
    realms: Vec<Text>,
    mark: Mark,
    length: usize,
    /// With the envelope's end.
    data: Bytes,
    revision: Revision,
    /// Since the last sweep.
    was_asked_for: AtomicBool,
}

impl Lists {
    /// None yet; they will take at most about so many bytes.
    pub fn new(max_bytes: u64) -> Self {
        let usual = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(usize::MAX);
        Self(Cache::with(
            usual,
            max_bytes,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }

    /// Lets go what nobody has asked for since the last time.
    pub fn sweep(&self) {
        let was_asked_for = |list: &List| list.was_asked_for.swap(false, Ordering::Relaxed);
        self.0.retain(|_, list| was_asked_for(list));
    }

    /// An account's list, if it still says what the registrar knows.
    pub(super) fn get(
        &self,
        registrar: &Registrar,
        scope: &Scope,
        shape: Shape,
    ) -> Option<Arc<List>> {
        let list = self.0.get(&(scope.account, shape))?;
        if !list.was_asked_for.load(Ordering::Relaxed) {
            list.was_asked_for.store(true, Ordering::Relaxed);
        }
        let is_true = list.realms == scope.realms && registrar.lists_still(scope, &list.mark);
        is_true.then_some(list)
    }

    /// The list of what was found of an account, which may be asked for again.
    pub(super) fn keep(
        &self,
        scope: &Scope,
        shape: Shape,
        (mut found, mark): (Vec<Held>, Mark),
    ) -> Arc<List> {
        found.sort_by(by_name);
        let data = text(&found, shape);
        let list = Arc::new(List {
            realms: scope.realms.clone(),
            revision: Revision::of(&data),
            mark,
            length: found.len(),
            data: envelope::ended(data),
            was_asked_for: AtomicBool::new(true),
        });
        self.0.insert((scope.account, shape), Arc::clone(&list));
        list
    }
}

impl List {
    pub(super) fn answer(
        &self,
        req: &dyn Asked,
        facade: &Facade,
    ) -> Result<HttpResponse, ApiError> {
        let extras = Extras {
            page_size: Some(self.length),
            ..Extras::default()
        };
        let content = Content::Ended(self.data.clone());
        envelope::answer(req, facade, (content, &self.revision), &extras)
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;

//! Accounts' lists as they were last answered, for as long as they say what the table holds.
//!
//! Whoever watches an account asks for the same list again and again. To see that nothing of it has
//! changed takes a look at a few counters; to write it anew takes unpacking each registration.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web::Bytes};
use hashbrown::DefaultHashBuilder;
use moka::sync::Cache;
use registrar::{Held, Mark, Registrar, Scope};
use registration::{AccountId, Text};

use super::text;
use crate::{
    Facade,
    asked::Asked,
    envelope::{self, Extras},
    error::ApiError,
    order::by_name,
    zoned::Shape,
};

/// A list that nobody has asked for since is let go.
const KEEP: Duration = Duration::from_mins(1);
/// About what a list takes besides its text.
const BYTES_MORE: usize = 512;

/// Lists that were answered lately.
pub struct Lists(Cache<(AccountId, Shape), Arc<List>, DefaultHashBuilder>);

/// A list as it was answered.
pub(super) struct List {
    realms: Vec<Text>,
    mark: Mark,
    length: usize,
    data: Bytes,
    revision: String,
}

impl Lists {
    /// None yet; they will take at most about so many bytes.
    pub fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .weigher(|_, list: &Arc<List>| list.weight())
            .max_capacity(max_bytes)
            .time_to_idle(KEEP)
            .build_with_hasher(DefaultHashBuilder::default());
        Self(cache)
    }

    /// An account's list, if it still says what the registrar knows.
    pub(super) fn get(
        &self,
        registrar: &Registrar,
        scope: &Scope,
        shape: Shape,
    ) -> Option<Arc<List>> {
        let list = self.0.get(&(scope.account.clone(), shape))?;
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
            revision: envelope::revision(&data),
            mark,
            length: found.len(),
            data: data.into(),
        });
        self.0
            .insert((scope.account.clone(), shape), Arc::clone(&list));
        list
    }
}

impl List {
    fn weight(&self) -> u32 {
        let bytes = self.data.len() + BYTES_MORE;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    pub(super) fn answer(
        &self,
        req: &dyn Asked,
        facade: &Facade,
    ) -> Result<HttpResponse, ApiError> {
        let extras = Extras {
            page_size: Some(self.length),
            ..Extras::default()
        };
        envelope::answer(req, facade, (self.data.clone(), &self.revision), &extras)
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;

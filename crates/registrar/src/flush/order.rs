//! Flushes as users order them, and as other nodes tell of them.

use std::sync::Arc;

use kapi::{Flush, Notice, Sender, encode_notice};
use registration::{Text, Zone};

use super::{
    coalesce::Coalesce,
    fence::FlushFence,
    retry::FlushRetry,
    target::{self, FlushError, Flushed},
};
use crate::{
    accounts::Scope,
    bus::Receipt,
    cache::{ChangeKind, EntryRef},
    context::Context,
    metrics::{FLUSH_DONE, FLUSH_NOT_REGISTERED, FLUSH_PARTIAL, FLUSH_UNREACHABLE, FLUSH_UNSAFE},
    outcome::Outcome,
};

/// Flushes registrations.
pub struct Flusher {
    context: Arc<Context>,
    coalesce: Coalesce,
    fence: FlushFence,
    retry: FlushRetry,
}

impl Flusher {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            coalesce: Coalesce::default(),
            fence: FlushFence::default(),
            retry: FlushRetry::default(),
        }
    }

    /// Flushes every registration of an account.
    pub async fn flush_account(&self, scope: &Scope) -> Result<Flushed, FlushError> {
        let cache = &self.context.cache;
        let found = cache.find(Some(&scope.account), &scope.realms);
        let targets = target::of_account(scope, &found);
        self.counted(self.carry_out(&targets).await)
    }

    /// Flushes every registration of a realm, or whose account has it.
    pub async fn flush_realm(&self, realm: &str) -> Result<Flushed, FlushError> {
        let all = Flush {
            realm: realm.to_ascii_lowercase().into(),
            username: None,
            cache_only: false,
        };
        self.counted(self.carry_out(&[all]).await)
    }

    /// Flushes a username of a realm, or of an account that has it. With `force` also one that the
    /// table does not know.
    pub async fn flush_in_realm(
        &self,
        realm: &str,
        username: &str,
        force: bool,
    ) -> Result<Flushed, FlushError> {
        let order = async {
            target::check("username", username)?;
            let named = self.context.cache.find_in(Some(realm), Some(username));
            let realms = force.then(|| vec![realm.into()]);
            self.flush_named(&named, username, realms).await
        };
        self.counted(order.await)
    }

    /// Flushes a username of an account. With `force` also one that the table does not know.
    pub async fn flush_username(
        &self,
        scope: &Scope,
        username: &str,
        force: bool,
    ) -> Result<Flushed, FlushError> {
        let order = async {
            target::check("username", username)?;
            let cache = &self.context.cache;
            let named = cache.find_named(Some(&scope.account), &scope.realms, username);
            let realms = force.then(|| scope.realms.clone());
            self.flush_named(&named, username, realms).await
        };
        self.counted(order.await)
    }

    /// Flushes what was found of a username. If nothing was, flushes the username in the `forced`
    /// realms, for phones that only a proxy knows.
    async fn flush_named(
        &self,
        named: &[EntryRef],
        username: &str,
        forced: Option<Vec<Text>>,
    ) -> Result<Flushed, FlushError> {
        let mut targets = target::by_name(named);
        if targets.is_empty() {
            let Some(realms) = forced else {
                return Err(FlushError::NotRegistered(username.to_owned()));
            };
            targets = target::by_force(&realms, username);
        }
        let flushed = self.carry_out(&targets).await?;
        if self.context.settings.check_sync {
            for held in named {
                self.check_sync(held).await;
            }
        }
        Ok(flushed)
    }

    /// Tells the phone to register again.
    async fn check_sync(&self, held: &EntryRef) {
        let notice = Notice::CheckSync {
            username: held.username(),
            realm: held.realm(),
        };
        let (exchange, routing_key, body) = encode_notice(notice, &self.context.settings.identity);
        let publishing = self.context.publish(None, exchange, routing_key, body);
        for (zone, reason) in publishing.await.missing {
            tracing::warn!(%zone, %reason, "a phone was not told to check in");
        }
    }

    #[tracing::instrument(level = "debug", name = "flush", skip_all)]
    async fn carry_out(&self, targets: &[Flush]) -> Result<Flushed, FlushError> {
        target::check_all(targets)?;
        let mut done = Flushed::default();
        for flush in targets {
            let receipt = self.publish(flush).await;
            if receipt.confirmed.is_empty() {
                return Err(FlushError::Unreachable {
                    missing: receipt.missing,
                    forgotten: done.forgotten,
                });
            }
            done.lacks(receipt.missing);
            let forgotten = self.forget(flush);
            for aor in self.fence.carried_out(flush, &forgotten) {
                self.context.cache.reopen(&aor);
            }
            done.repeated += self.retry.schedule(&forgotten, self.context.clock.now());
            done.forgotten += forgotten.len();
        }
        Ok(done)
    }

    async fn publish(&self, flush: &Flush) -> Receipt {
        let publishing = async {
            self.fence.expect(flush);
            let publication = target::publication(flush, &self.context.settings.identity);
            let receipt = self.context.bus.publish(&publication).await;
            if receipt.confirmed.is_empty() {
                self.fence.give_up(flush);
            }
            receipt
        };
        self.coalesce.publish(flush, publishing).await
    }

    /// Removes from the table what a flush names.
    fn forget(&self, flush: &Flush) -> Vec<EntryRef> {
        let named = |held: &EntryRef| target::names(flush, held);
        let cache = &self.context.cache;
        let candidates = cache.find_in(Some(&flush.realm), flush.username.as_deref());
        let candidates = candidates.iter().filter(|held| named(held));
        candidates
            .filter_map(|held| cache.take_out(&held.aor(), ChangeKind::Flushed, named))
            .collect()
    }

    fn counted(&self, order: Result<Flushed, FlushError>) -> Result<Flushed, FlushError> {
        let label = match &order {
            Ok(flushed) if flushed.missing.is_empty() => FLUSH_DONE,
            Ok(_) => FLUSH_PARTIAL,
            Err(FlushError::Unreachable { .. }) => FLUSH_UNREACHABLE,
            Err(FlushError::NotRegistered(_)) => FLUSH_NOT_REGISTERED,
            Err(FlushError::Unsafe { .. }) => FLUSH_UNSAFE,
        };
        self.context.metrics.add(label, 1);
        order
    }

    /// Carries out another node's flush. One of ours was carried out when it was confirmed.
    pub(crate) fn heard(&self, flush: &Flush, sender: &Sender, zone: &Zone) -> Outcome {
        if sender.server_id.as_deref() == Some(self.context.settings.identity.server_id()) {
            for aor in self.fence.heard(flush, zone) {
                self.context.cache.reopen(&aor);
            }
            return Outcome::OwnFlush;
        }
        if flush.cache_only {
            return Outcome::CredentialFlush;
        }
        Outcome::Flushed(self.forget(flush).len())
    }

    /// Flushes young registrations again once the proxies can find them. Never ends.
    pub async fn repeat(&self) {
        loop {
            let aor = self.retry.next(&*self.context.clock).await;
            if self.context.cache.get(&aor).is_some() {
                // It has registered since, and that must stay.
                continue;
            }
            let publication =
                target::publication(&target::of_aor(&aor), &self.context.settings.identity);
            let receipt = self.context.bus.publish(&publication).await;
            for (zone, reason) in receipt.missing {
                tracing::warn!(%zone, %reason, %aor, "a flush could not be repeated");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::World;

    #[test]
    fn flushes_are_counted_by_what_became_of_them() {
        let world = World::new(vec![]);
        let flusher = Flusher::new(Arc::clone(&world.registrar.context));
        flusher.counted(Ok(Flushed::default())).unwrap();
        let unknown = Err(FlushError::NotRegistered("x".into()));
        flusher.counted(unknown).unwrap_err();
        let counts = world.registrar.metrics().counts();
        let counted: Vec<_> = counts
            .filter(|(kind, _, count)| *kind == "order" && *count > 0)
            .map(|(_, outcome, count)| (outcome, count))
            .collect();
        assert_eq!(counted, [("done", 1), ("not_registered", 1)]);
    }
}

//! Flushes as users order them.

use kapi::{Flush, Notice, encode_notice};
use registration::Text;

use crate::{
    Registrar,
    accounts::Scope,
    bus::{Publication, Receipt},
    changes::{Change, ChangeKind},
    flush::{self, FlushError, Flushed},
    held::Held,
};

impl Registrar {
    /// Flushes every registration of an account.
    pub async fn flush_account(&self, scope: &Scope) -> Result<Flushed, FlushError> {
        let order = async {
            let found = self.list(scope);
            let targets = flush::targets_of_account(scope, &found);
            self.carry_out(&targets).await
        };
        self.meter.ordered(order.await)
    }

    /// Flushes every registration of a realm, or whose account has it.
    pub async fn flush_realm(&self, realm: &str) -> Result<Flushed, FlushError> {
        let all = Flush {
            realm: realm.to_ascii_lowercase().into(),
            username: None,
            cache_only: false,
        };
        let order = self.carry_out(&[all]).await;
        self.meter.ordered(order)
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
            flush::check("username", username)?;
            let named = self.of(Some(realm), Some(username));
            let realms = force.then(|| vec![realm.into()]);
            self.flush_named(&named, username, realms).await
        };
        self.meter.ordered(order.await)
    }

    /// Flushes a username of an account. With `force` also one that the table does not know.
    pub async fn flush_username(
        &self,
        scope: &Scope,
        username: &str,
        force: bool,
    ) -> Result<Flushed, FlushError> {
        let order = async {
            flush::check("username", username)?;
            let named = self.list_named(scope, username);
            let realms = force.then(|| scope.realms.clone());
            self.flush_named(&named, username, realms).await
        };
        self.meter.ordered(order.await)
    }

    /// Flushes what was found of a username; if that is nothing, the username in these realms, for
    /// phones that only a proxy knows.
    async fn flush_named(
        &self,
        named: &[Held],
        username: &str,
        forced: Option<Vec<Text>>,
    ) -> Result<Flushed, FlushError> {
        let mut targets = flush::targets_by_name(named);
        if targets.is_empty() {
            let Some(realms) = forced else {
                return Err(FlushError::NotRegistered(username.to_owned()));
            };
            targets = flush::targets_by_force(&realms, username);
        }
        let flushed = self.carry_out(&targets).await?;
        if self.settings.check_sync {
            for held in named {
                self.check_sync(held).await;
            }
        }
        Ok(flushed)
    }

    /// Has the phone register anew.
    async fn check_sync(&self, held: &Held) {
        let notice = Notice::CheckSync {
            username: &held.username(),
            realm: held.realm(),
        };
        let (exchange, routing_key, body) = encode_notice(notice, &self.settings.identity);
        let publication = Publication {
            zone: None,
            exchange,
            routing_key,
            body,
            mandatory: false,
        };
        for (zone, reason) in self.bus.publish(&publication).await.missing {
            tracing::warn!(%zone, reason, "a phone was not told to check in");
        }
    }

    /// Carries flushes out.
    #[tracing::instrument(level = "debug", name = "flush", skip_all)]
    async fn carry_out(&self, targets: &[Flush]) -> Result<Flushed, FlushError> {
        flush::check_all(targets)?;
        let mut done = Flushed::default();
        for flush in targets {
            let receipt = self.publish_flush(flush).await;
            if receipt.confirmed.is_empty() {
                return Err(FlushError::Unreachable {
                    missing: receipt.missing,
                    forgotten: done.forgotten,
                });
            }
            done.lacks(receipt.missing);
            let forgotten = flush::forget(flush, &self.table);
            for aor in self.echoes.carried_out(flush, &forgotten) {
                self.table.reopen(&aor);
            }
            self.tell_flushed(&forgotten);
            done.repeated += self.repeats.take_up(&forgotten, self.clock.now());
            done.forgotten += forgotten.len();
        }
        Ok(done)
    }

    async fn publish_flush(&self, flush: &Flush) -> Receipt {
        let publishing = async {
            self.echoes.expect(flush);
            let publication = flush::publication(flush, &self.settings.identity);
            let receipt = self.bus.publish(&publication).await;
            if receipt.confirmed.is_empty() {
                self.echoes.give_up(flush);
            }
            receipt
        };
        self.coalesce.publish(flush, publishing).await
    }

    pub(crate) fn tell_flushed(&self, forgotten: &[Held]) {
        for gone in forgotten {
            self.watchers
                .tell_with(|| Some(Change::gone(ChangeKind::Flushed, gone.clone())));
        }
    }

    /// Flushes again, once the proxies can find them, what was too young when it was flushed. Runs
    /// for as long as the registrar is there.
    pub async fn repeat_flushes(&self) {
        loop {
            let aor = self.repeats.next(&*self.clock).await;
            // Whoever is back has registered since: that is another registration.
            if self.get(&aor).is_some() {
                continue;
            }
            let flush = flush::of_aor(&aor);
            let publication = flush::publication(&flush, &self.settings.identity);
            let receipt = self.bus.publish(&publication).await;
            for (zone, reason) in receipt.missing {
                tracing::warn!(%zone, reason, %aor, "a flush could not be repeated");
            }
        }
    }
}

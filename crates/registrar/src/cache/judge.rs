//! Reports, records and orders judged against what the cache holds, each as one step per AOR.

use std::sync::Arc;

use registration::{
    Aor, Balance, BindingHistory, Decision, DecisionContext, Ignored, Origin, Policy, Registration,
    Report, Stored, UnixMillis, UnixSeconds, Verdict, Zone, decide, override_with,
};

use super::{
    change::{Change, ChangeKind},
    entry::{AccountFields, Entry, EntryRef, ProxyFields},
    live::{Cache, LockedAor},
};

/// How a report was heard.
#[derive(Clone, Copy, Debug)]
pub struct ReportContext<'a> {
    /// Zone it was heard in.
    pub zone: &'a Zone,
    /// The rules' settings.
    pub policy: &'a Policy,
    /// It may have been applied before.
    pub redelivered: bool,
    /// All registrations are in the cache.
    pub complete: bool,
    /// Fingerprint of its message; 0 if it has none.
    pub fingerprint: u64,
}

/// What the cache knows of an AOR, as the rules see it.
struct Known {
    entry: Option<Arc<Entry>>,
    live: Option<Registration>,
    history: Option<BindingHistory>,
    /// Whether the history stands in the cache of ended ones.
    has_ended: bool,
}

impl Cache {
    /// Judges a report against what is known of its AOR, and does as decided.
    pub fn apply(&self, report: &Report, context: ReportContext<'_>) -> Decision {
        let is_plain = report.origin == Origin::Event
            && report.first != Some(true)
            && report.last_registration.is_none()
            && !context.redelivered;
        let fingerprint = if is_plain { context.fingerprint } else { 0 };
        let aor = Aor::new(&report.username, &report.realm);
        self.judge(&aor, Some(report), fingerprint, |known, now| {
            decide(report, known.context(context, now))
        })
    }

    /// Puts the contact that a proxy holds in the place of one that it does not hold, if that
    /// `is_still` there. The newer of the two does not win.
    pub fn override_with(
        &self,
        report: &Report,
        context: ReportContext<'_>,
        is_still: impl FnOnce(&EntryRef) -> bool,
    ) -> Decision {
        let aor = Aor::new(&report.username, &report.realm);
        self.judge(&aor, Some(report), 0, |known, now| {
            let entry = known.entry.clone().map(EntryRef::new);
            if entry.is_some_and(|entry| is_still(&entry)) {
                override_with(report, known.context(context, now))
            } else {
                Verdict::ignore(Ignored::Stale)
            }
        })
    }

    /// Takes in a registration as another registrar holds it, if it is newer than what is known.
    pub fn merge(&self, registration: &Registration) -> Decision {
        self.judge(&registration.aor(), None, 0, |known, now| {
            let decision = merge_record(known, registration, now);
            Verdict {
                decision,
                history: None,
            }
        })
    }

    fn judge(
        &self,
        aor: &Aor,
        report: Option<&Report>,
        fingerprint: u64,
        judge: impl FnOnce(&Known, UnixMillis) -> Verdict,
    ) -> Decision {
        let locked = self.lock(aor);
        let known = self.known(&locked, aor);
        let Verdict { decision, history } = judge(&known, locked.now);
        let decision = self.within_capacity(decision, &known);
        let before = known.entry.clone().map(EntryRef::new);
        let after = match &decision {
            Decision::Store(registration, _) => {
                let is_plain = is_settled(registration);
                let fingerprint = if is_plain { fingerprint } else { 0 };
                let history = history.or(known.history.clone());
                Some(self.store(&locked, &known, registration, history, fingerprint))
            }
            Decision::Remove(_) => {
                if let Some(entry) = &known.entry {
                    self.remove(&locked, entry);
                }
                self.keep_history(&locked, aor, history.or(known.history.clone()));
                None
            }
            Decision::Ignore(reason) => {
                let is_refused = matches!(reason, Ignored::CacheFull | Ignored::AccountFull);
                if let Some(history) = history.filter(|_| !is_refused) {
                    match &known.entry {
                        Some(entry) => entry.set_history(Some(history)),
                        None => self.keep_history(&locked, aor, Some(history)),
                    }
                }
                None
            }
        };
        if let Some(kind) = ChangeKind::of(&decision) {
            self.changes
                .record(|| Change::new(kind, before, after).caused_by(report));
        }
        decision
    }

    fn known(&self, locked: &LockedAor<'_>, aor: &Aor) -> Known {
        let entry = self.live.get(aor);
        let entry = entry.filter(|entry| entry.is_live(locked.now));
        let ended = match &entry {
            Some(_) => None,
            None => self.ended.get(aor, locked.now),
        };
        let history = match &entry {
            Some(entry) => entry.history(),
            None => ended.as_ref().map(|ended| ended.history.clone()),
        };
        Known {
            live: entry
                .clone()
                .map(|entry| EntryRef::new(entry).registration()),
            entry,
            history,
            has_ended: ended.is_some(),
        }
    }

    /// Refuses a newcomer for whom there is no room.
    fn within_capacity(&self, decision: Decision, known: &Known) -> Decision {
        match &decision {
            Decision::Store(newcomer, _) if known.entry.is_none() => {
                let peers = || self.index.peers_of(&AccountFields::of(newcomer));
                match self.load.refuses(self.capacity, peers) {
                    Some(full) => Decision::Ignore(full),
                    None => decision,
                }
            }
            _ => decision,
        }
    }

    fn store(
        &self,
        locked: &LockedAor<'_>,
        known: &Known,
        registration: &Registration,
        history: Option<BindingHistory>,
        fingerprint: u64,
    ) -> EntryRef {
        let account = self.intern_account(AccountFields::of(registration));
        let proxy = self.intern_proxy(ProxyFields::of(registration));
        let entry = Arc::new(Entry::new(registration, account, proxy, fingerprint));
        entry.set_history(history);
        self.insert(locked, known.entry.as_ref(), &entry);
        if known.has_ended {
            self.ended.remove(entry.aor());
        }
        EntryRef::new(entry)
    }

    fn keep_history(&self, locked: &LockedAor<'_>, aor: &Aor, history: Option<BindingHistory>) {
        if let Some(history) = history {
            self.ended.insert(aor, history, locked.now);
        }
    }

    /// Takes a message that repeats the AOR's last one, only later: true if it was one, and was
    /// applied.
    pub fn refresh(&self, aor: &Aor, time: UnixSeconds, fingerprint: u64, padding: u32) -> bool {
        let locked = self.lock(aor);
        let Some(entry) = self.live.get(aor) else {
            return false;
        };
        if entry.fingerprint() != fingerprint {
            return false;
        }
        let before = EntryRef::new(Arc::clone(&entry));
        if !entry.refresh(time, locked.now, padding) {
            return false;
        }
        self.extend(&entry);
        self.changes.record_refresh(|| {
            Change::new(
                ChangeKind::Refreshed,
                Some(before),
                Some(EntryRef::new(entry)),
            )
        });
        true
    }

    /// Ends an AOR's registration if it is `wanted`. Returns it.
    pub fn take_out(
        &self,
        aor: &Aor,
        kind: ChangeKind,
        wanted: impl FnOnce(&EntryRef) -> bool,
    ) -> Option<EntryRef> {
        let locked = self.lock(aor);
        let entry = self.live.get(aor)?;
        let found = EntryRef::new(Arc::clone(&entry));
        if !entry.is_live(locked.now) || !wanted(&found) {
            return None;
        }
        self.remove(&locked, &entry);
        // A refresh of the second in which it was taken out must not bring it back.
        let history = BindingHistory {
            second: found.last_registration(),
            contact: found.original_contact().into(),
            node: found.node().cloned(),
            balance: Balance::Closed,
        };
        self.keep_history(&locked, aor, Some(history));
        let gone = found.clone();
        self.changes.record(|| Change::new(kind, Some(gone), None));
        Some(found)
    }

    /// Lets an AOR that a flush took out register again within the second of the flush: what is heard
    /// from now on happened after it.
    pub fn reopen(&self, aor: &Aor) {
        let locked = self.lock(aor);
        let known = self.known(&locked, aor);
        let Some(history) = known.history.as_ref().and_then(BindingHistory::reopened) else {
            return;
        };
        match &known.entry {
            Some(entry) => entry.set_history(Some(history)),
            None => self.keep_history(&locked, aor, Some(history)),
        }
    }

    /// Puts what `amended` makes of a registration in its place, since the directory told more of it;
    /// true if it makes something of it.
    pub fn amend(
        &self,
        aor: &Aor,
        is_first: bool,
        amended: impl FnOnce(&Registration) -> Option<Registration>,
    ) -> bool {
        let locked = self.lock(aor);
        let known = self.known(&locked, aor);
        let Some(after) = known.live.as_ref().and_then(amended) else {
            return false;
        };
        let before = known.entry.clone().map(EntryRef::new);
        let after = self.store(&locked, &known, &after, known.history.clone(), 0);
        self.changes.record(|| Change {
            is_first,
            ..Change::new(ChangeKind::Identified, before, Some(after))
        });
        true
    }
}

impl Known {
    fn context<'a>(&'a self, how: ReportContext<'a>, now: UnixMillis) -> DecisionContext<'a> {
        DecisionContext {
            live: self.live.as_ref(),
            history: self.history.as_ref(),
            zone: how.zone,
            policy: how.policy,
            now,
            redelivered: how.redelivered,
            complete: how.complete,
        }
    }
}

/// The newer of two wins; if they are equally new, what this registrar heard itself.
fn merge_record(known: &Known, registration: &Registration, now: UnixMillis) -> Decision {
    let live = known.live.as_ref();
    let heard = live.map(|live| live.last_registration);
    let heard = heard.max(known.history.as_ref().map(|history| history.second));
    if heard.is_some_and(|heard| heard >= registration.last_registration) {
        return Decision::Ignore(Ignored::Known);
    }
    if !registration.is_live(now) {
        return Decision::Ignore(Ignored::Expired);
    }
    let stored = match live {
        None => Stored::Registered,
        Some(live) if live.contact == registration.contact => Stored::Refreshed,
        Some(_) => Stored::Moved,
    };
    Decision::Store(Box::new(registration.clone()), stored)
}

/// Whether the message that made it, repeated later, would make the same of it: nothing is left of
/// what was there before, and nothing has to be asked for.
fn is_settled(registration: &Registration) -> bool {
    let account = &registration.account;
    registration.previous_contact.as_ref() == Some(&registration.contact)
        && account.id.is_some()
        && account.authorizing_id.is_some()
}

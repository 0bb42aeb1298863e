//! Look-ups: by AOR through moka, by account and realm through the index.

use std::collections::BTreeSet;

use registration::{AccountId, Aor, Text};

use super::{entry::EntryRef, live::Cache};

impl Cache {
    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<EntryRef> {
        let entry = self.live.get(aor)?;
        entry
            .is_live(self.clock.now())
            .then(|| EntryRef::new(entry))
    }

    /// The live registrations of an account and of realms, each once, in no order.
    pub fn find(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> Vec<EntryRef> {
        let groups = self.index.groups(account, realms);
        let (now, mut found) = (self.clock.now(), Vec::new());
        for group in &groups {
            group.collect(now, &mut found);
        }
        if groups.len() > 1 {
            // One that changes groups meanwhile is found in both.
            found.sort_unstable_by(|one, other| one.aor().cmp(other.aor()));
            found.dedup_by(|one, other| one.aor() == other.aor());
        }
        found.into_iter().map(EntryRef::new).collect()
    }

    /// Those of [`Cache::find`] that have a username, in any case. It does not matter how many others
    /// there are.
    pub fn find_named(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        username: &str,
    ) -> Vec<EntryRef> {
        let mut asked: Vec<Text> = Vec::new();
        let mut found = Vec::new();
        let groups = self.index.groups(account, realms);
        for group in &groups {
            let realm = &group.fields().folded_realm;
            if asked.contains(realm) {
                continue;
            }
            asked.push(realm.clone());
            let named = self.get(&Aor::new(username, realm));
            let belongs = |named: &EntryRef| {
                let fields = named.entry().account();
                groups.iter().any(|group| group.is_of(fields))
            };
            found.extend(named.filter(belongs));
        }
        found
    }

    /// The live registrations of a realm, or whose account has it, or of all realms; those of a
    /// username, in any case, or all. In no order.
    pub fn find_in(&self, realm: Option<&str>, username: Option<&str>) -> Vec<EntryRef> {
        match (realm, username) {
            (Some(realm), Some(username)) => self.find_named(None, &[realm], username),
            (Some(realm), None) => self.find(None, &[realm]),
            (None, None) => self.all(),
            (None, Some(username)) => {
                let realms = self.realms();
                let aors = realms.iter().map(|realm| Aor::new(username, realm));
                // A realm may come twice.
                let aors: BTreeSet<Aor> = aors.collect();
                aors.iter().filter_map(|aor| self.get(aor)).collect()
            }
        }
    }

    /// How many registrations there are of a realm, or whose account has it, or of all realms; the
    /// latter as [`Cache::held`] counts them.
    pub fn count_in(&self, realm: Option<&str>) -> usize {
        realm.map_or_else(|| self.held(), |realm| self.count(None, &[realm]))
    }

    /// How many [`Cache::find`] finds.
    pub fn count(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> usize {
        let groups = self.index.groups(account, realms);
        let now = self.clock.now();
        groups.iter().map(|group| group.count(now)).sum()
    }

    /// Every live registration, in no order.
    pub fn all(&self) -> Vec<EntryRef> {
        let now = self.clock.now();
        let mut all = Vec::with_capacity(self.held());
        for group in self.index.all_groups() {
            group.collect(now, &mut all);
        }
        all.into_iter().map(EntryRef::new).collect()
    }

    /// How many live registrations there are.
    pub fn len(&self) -> usize {
        self.index.len(self.clock.now())
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many registrations there are, those that have ended and are not swept yet included: one
    /// look at a counter.
    pub fn held(&self) -> usize {
        self.load.get()
    }

    /// Every realm that has phones, or belongs to an account that had some, lower-cased.
    pub fn realms(&self) -> Vec<Text> {
        self.index.realms()
    }

    /// The realm of an account, as its phones have told it, lower-cased.
    pub fn realm_of(&self, account: &AccountId) -> Option<Text> {
        self.index.realm_of(account)
    }
}

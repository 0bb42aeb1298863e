//! A message that says the same as the one before, only later: most are such.

use parking_lot::MutexGuard;
use registration::{Clock, UnixSeconds};

use super::{Table, shards::Shard};
use crate::{
    held::Held,
    slot::{Fingerprint, Slot},
};

/// A message that does not say the same as the one before, or has to be weighed against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBeJudged;

/// A registration that was refreshed.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// What was there.
    pub before: Held,
    /// What is there now.
    pub after: Held,
}

/// An AOR's place in the table while it is fetched from memory: the message can be looked at
/// meanwhile. Nobody else comes to it as long as this is there.
pub struct Approach<'a> {
    hash: u64,
    shard: MutexGuard<'a, Shard>,
    clock: &'a dyn Clock,
}

impl Table {
    /// Begins to look for an AOR, in any case.
    pub fn approach(&self, username: &str, realm: &str) -> Approach<'_> {
        let hash = self.shards.hash(username, realm);
        let shard = self.shards.lock(hash);
        shard.fetch(hash);
        Approach {
            hash,
            shard,
            clock: &*self.clock,
        }
    }
}

impl Approach<'_> {
    /// Comes closer: what is fetched now is known from what was fetched before.
    pub fn advance(&self) {
        if let Some(slot) = self.shard.find(self.hash, |_| true) {
            slot.fetch();
        }
    }

    /// Does what a message of `time` does that says the same as the one before, only later, without
    /// judging it anew. The fingerprint is what all such messages of the same phone have in common.
    /// What has become of it is told if somebody `wants` to know, who is asked after that.
    pub fn refresh(
        self,
        time: UnixSeconds,
        fingerprint: Fingerprint,
        padding: u32,
        wants: impl FnOnce() -> bool,
    ) -> Result<Option<Refreshed>, ToBeJudged> {
        let same = |slot: &Slot| slot.fingerprint() == fingerprint;
        let slot = self.shard.find(self.hash, same).ok_or(ToBeJudged)?;
        let before = slot.times();
        if !slot.refresh(time, self.clock.now(), padding) {
            return Err(ToBeJudged);
        }
        Ok(wants().then(|| Refreshed {
            before: Held::at(slot.clone(), before),
            after: Held::new(slot.clone()),
        }))
    }
}

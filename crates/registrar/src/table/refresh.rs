//! A message that says the same as the one before, only later: most are such.

use registration::UnixSeconds;

use super::Table;
use crate::{held::Held, slot::Slot};

/// A message that may say nothing new but that it is later.
#[derive(Clone, Copy, Debug)]
pub struct Again<'a> {
    /// SIP username, as the phone wrote it.
    pub username: &'a str,
    /// SIP realm, as the phone wrote it.
    pub realm: &'a str,
    /// When it happened, by the sender's clock.
    pub time: UnixSeconds,
    /// What all such messages of the same phone have in common.
    pub fingerprint: u64,
}

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

impl Table {
    /// Does what a message does that says the same as the one before, only later, without judging
    /// it anew. What has become of it is told if somebody `wants` to know, who is asked after that.
    pub fn refresh(
        &self,
        again: Again<'_>,
        padding: u32,
        wants: impl FnOnce() -> bool,
    ) -> Result<Option<Refreshed>, ToBeJudged> {
        let hash = self.shards.hash(again.username, again.realm);
        let shard = self.shards.lock(hash);
        let same = |slot: &Slot| slot.fingerprint() == again.fingerprint;
        let slot = shard.find(hash, same).ok_or(ToBeJudged)?;
        let before = slot.times();
        if !slot.refresh(again.time, self.clock.now(), padding) {
            return Err(ToBeJudged);
        }
        Ok(wants().then(|| Refreshed {
            before: Held::at(slot.clone(), before),
            after: Held::new(slot.clone()),
        }))
    }
}

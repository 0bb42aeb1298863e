//! What this node tells other members of a division: each tells what it has, and for which partitions
//! that is all.

use std::{collections::BTreeMap, sync::Arc};

use kapi::{
    Event, MEMBERS_KEY, Query, Share, ShareAnswer, TARGETED_EXCHANGE, Want, decode, encode_share,
    encode_share_answer,
};
use registration::{Registration, Text, Zone};

use crate::{
    Registrar,
    bus::Publication,
    division::{Division, Partitions, partition},
    held::Held,
    outcome::{HANDED_ON, LOST, Outcome},
    reads::addressed,
};

/// Registrations in one member's message; more come in the next.
pub(crate) const CHUNK: usize = 20_000;

/// A place in the order of lists: a username and a realm, both lower-cased.
pub type Place = (Text, Text);

impl Registrar {
    /// How accounts are divided, if they are.
    pub fn division(&self) -> Option<&Division> {
        self.settings.division.as_deref()
    }

    /// Whether a realm is none of this node's.
    pub(crate) fn is_elsewhere(&self, realm: &str) -> bool {
        self.division()
            .is_some_and(|division| !division.owns(realm))
    }

    /// The realms that this node has somebody in, lower-cased.
    pub fn own_realms(&self) -> Vec<Text> {
        let mut realms = self.table.realms();
        realms.retain(|realm| !self.is_elsewhere(realm));
        realms
    }

    /// The realm of an event that nobody has said whose it is; `None` for whatever is no event, which
    /// is counted.
    pub fn realm_of_stray(&self, body: &[u8]) -> Option<Text> {
        let outcome = match decode(body, self.settings.limits) {
            Ok(Event::Registration(report)) => return Some(report.realm),
            Ok(_) => Outcome::Other,
            Err(reject) => Outcome::Rejected(reject),
        };
        self.stats.count(&outcome);
        None
    }

    /// Notes that a stray was handed on, or that none of its owners has a queue.
    pub fn handed_on(&self, taken: bool) {
        self.stats.add(if taken { HANDED_ON } else { LOST }, 1);
    }

    /// A question to the members of a zone, or of all.
    pub(crate) fn to_members(
        &self,
        zone: Option<&Zone>,
        share: &Share,
        msg_id: &str,
    ) -> Publication {
        Publication {
            zone: zone.cloned(),
            exchange: TARGETED_EXCHANGE,
            routing_key: MEMBERS_KEY.to_owned(),
            body: encode_share(share, msg_id, self.questions.identity()),
            mandatory: false,
        }
    }

    /// What this node has to say to a member's question.
    pub(crate) fn share(&self, share: &Share) -> ShareAnswer<Arc<Registration>> {
        // Before anything is read: what is missed from now on is the next one's.
        let is_complete = self.health.is_ready();
        let mut answer = ShareAnswer::default();
        if let Some(division) = self.division().filter(|_| is_complete) {
            answer.partitions = division.own().to_hex();
        }
        match &share.want {
            Want::Realms => {
                let scope = share.account.as_ref();
                let scope = scope.and_then(|account| self.scope(account, None));
                answer.realms = scope.map(|scope| scope.realms);
            }
            Want::Count => {
                let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
                for held in self.selected(share) {
                    *counts.entry(partition(held.realm())).or_default() += 1;
                }
                answer.counts = counts.into_iter().collect();
            }
            Want::Records { from, limit } => {
                let mut placed: Vec<_> = self
                    .selected(share)
                    .into_iter()
                    .map(|held| (place(&held.username(), held.realm()), held))
                    .filter(|(at, _)| from.as_ref().is_none_or(|from| at >= from))
                    .collect();
                let limit = (*limit).clamp(1, CHUNK);
                answer.more = placed.len() > limit;
                if answer.more {
                    placed.select_nth_unstable_by(limit, |(one, _), (other, _)| one.cmp(other));
                    placed.truncate(limit);
                }
                placed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                let records = placed.iter().map(|(_, held)| Arc::new(held.registration()));
                answer.records = records.collect();
            }
        }
        answer
    }

    fn selected(&self, share: &Share) -> Vec<Held> {
        let only = share.partitions.as_deref().map(Partitions::from_hex);
        // What cannot be read is none.
        let only = only.map(Option::unwrap_or_default);
        let is_wanted = |realm: &str| only.is_none_or(|only| only.has(partition(realm)));
        let mut selected = match (&share.account, share.realms.as_slice(), only) {
            (Some(account), realms, _) => self.table.find(Some(account), realms),
            (None, [], None) => self.table.all(),
            (None, [], Some(_)) => {
                let mut realms = self.table.realms();
                realms.retain(|realm| is_wanted(realm));
                self.table.find(None, &realms)
            }
            (None, realms, _) => self.table.find(None, realms),
        };
        if only.is_some() {
            selected.retain(|held| is_wanted(held.realm()));
        }
        selected
    }

    /// Whether a question of another Kazoo node is this node's to answer: one that has the realm
    /// answers for all. Members ask each other in another way.
    pub(crate) fn hears(&self, query: &Query, targeted: bool) -> bool {
        let Some(division) = self.division() else {
            return true;
        };
        if targeted {
            return true;
        }
        let is_members = query
            .node
            .as_deref()
            .is_some_and(|node| division.has_member(node));
        let owns = match &query.realm {
            Some(realm) => division.owns(realm),
            None => division.own().has(0),
        };
        !is_members && owns
    }

    /// The answer to a member's question, addressed to it.
    pub(crate) fn answer_member(&self, query: &Query, share: &Share) -> Publication {
        let answer = self.share(share);
        let body = encode_share_answer(query, answer, self.questions.identity());
        addressed(query, body)
    }
}

/// Of whoever has this username in this realm.
pub(crate) fn place(username: &str, realm: &str) -> Place {
    let lower = |text: &str| Text::from(text.to_ascii_lowercase());
    (lower(username), lower(realm))
}

//! Which node has which realms, where accounts are divided over several.
//!
//! A realm is in one of [`PARTITIONS`] for ever, by the hash of its name; which node has a partition
//! follows from the list of members alone, so that all who have the same list agree.

use std::{collections::HashSet, fmt::Write as _, time::Duration};

use registration::Text;
use twox_hash::XxHash64;

/// How many parts there are to be given out. All members must agree on it.
pub const PARTITIONS: u16 = 1024;

const WORDS: usize = PARTITIONS as usize / 64;

/// The partition that a realm is in, in any case.
pub fn partition(realm: &str) -> u16 {
    let hash = XxHash64::oneshot(0, realm.to_ascii_lowercase().as_bytes());
    // Less than PARTITIONS.
    u16::try_from(hash % u64::from(PARTITIONS)).unwrap_or_default()
}

/// A set of partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partitions([u64; WORDS]);

impl Partitions {
    /// All there are.
    pub const ALL: Self = Self([u64::MAX; WORDS]);

    /// One alone.
    pub fn only(partition: u16) -> Self {
        let mut only = Self::default();
        only.insert(partition);
        only
    }

    /// Whether one is in it.
    pub fn has(&self, partition: u16) -> bool {
        let word = self.0.get(usize::from(partition / 64));
        word.is_some_and(|word| word >> (partition % 64) & 1 == 1)
    }

    /// Adds one.
    pub fn insert(&mut self, partition: u16) {
        if let Some(word) = self.0.get_mut(usize::from(partition / 64)) {
            *word |= 1 << (partition % 64);
        }
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    /// Those that are not in another set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = *self;
        for (word, other) in left.0.iter_mut().zip(other.0) {
            *word &= !other;
        }
        left
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Each that is in it.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..PARTITIONS).filter(|partition| self.has(*partition))
    }

    /// As members write it to each other.
    pub fn to_hex(&self) -> String {
        let mut hex = String::with_capacity(WORDS * 16);
        for word in self.0 {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{word:016x}");
        }
        hex
    }

    /// What [`Self::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut read = Self::default();
        if !text.is_ascii() || text.len() != WORDS * 16 {
            return None;
        }
        for (at, word) in read.0.iter_mut().enumerate() {
            *word = u64::from_str_radix(text.get(at * 16..(at + 1) * 16)?, 16).ok()?;
        }
        Some(read)
    }
}

/// Why a division cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DivisionError {
    /// This node would have nothing.
    #[error("{0:?} is not among the members")]
    NoMember(String),
    /// A name that is there more than once.
    #[error("{0:?} is among the members twice")]
    Twice(String),
    /// More copies than nodes.
    #[error("{replicas} replicas take as many members, and there are {members}")]
    TooFew {
        /// Copies.
        replicas: usize,
        /// Nodes.
        members: usize,
    },
    /// Nothing is to be kept.
    #[error("there must be one replica at least")]
    NoReplica,
}

/// How realms are divided over the members.
#[derive(Clone, Debug)]
pub struct Division {
    members: Vec<Text>,
    /// This node among them.
    at: usize,
    /// Indices into `members`, by partition; the first is the one that speaks to others.
    owners: Vec<Vec<usize>>,
    own: Partitions,
    first: Partitions,
    timeout: Duration,
}

impl Division {
    /// The division over `members` as `node` sees it, each realm on `replicas` of them. Others have
    /// `timeout` to answer.
    pub fn new(
        node: &str,
        members: &[String],
        replicas: usize,
        timeout: Duration,
    ) -> Result<Self, DivisionError> {
        let mut sorted: Vec<Text> = members.iter().map(|name| Text::from(&**name)).collect();
        sorted.sort_unstable();
        if let Some([twice, _]) = sorted
            .windows(2)
            .find(|pair| matches!(pair, [a, b] if a == b))
        {
            return Err(DivisionError::Twice(twice.to_string()));
        }
        let Some(own) = sorted.iter().position(|member| **member == *node) else {
            return Err(DivisionError::NoMember(node.to_owned()));
        };
        if replicas == 0 {
            return Err(DivisionError::NoReplica);
        }
        if replicas > sorted.len() {
            return Err(DivisionError::TooFew {
                replicas,
                members: sorted.len(),
            });
        }
        let owners = assign(&sorted, replicas);
        let (mut all, mut first) = (Partitions::default(), Partitions::default());
        for (partition, owners) in (0..PARTITIONS).zip(&owners) {
            if owners.contains(&own) {
                all.insert(partition);
            }
            if owners.first() == Some(&own) {
                first.insert(partition);
            }
        }
        Ok(Self {
            members: sorted,
            at: own,
            owners,
            own: all,
            first,
            timeout,
        })
    }

    /// Partitions that this node has.
    pub fn own(&self) -> &Partitions {
        &self.own
    }

    /// Whether this node has a realm.
    pub fn owns(&self, realm: &str) -> bool {
        self.own.has(partition(realm))
    }

    /// Whether this node is the one that tells others of what happens in a realm.
    pub fn tells_of(&self, realm: &str) -> bool {
        self.first.has(partition(realm))
    }

    /// Whether a node is a member.
    pub fn has_member(&self, node: &str) -> bool {
        self.members.iter().any(|member| **member == *node)
    }

    /// All members but this one.
    pub(crate) fn others(&self) -> impl Iterator<Item = Text> {
        let others = self
            .members
            .iter()
            .zip(0..)
            .filter(|(_, at)| *at != self.at);
        others.map(|(member, _)| member.clone())
    }

    /// Whether these are all the members but this one.
    pub(crate) fn is_everyone_else(&self, nodes: &HashSet<Text>) -> bool {
        self.others().all(|member| nodes.contains(&member))
    }

    /// Who has any of these partitions.
    pub fn owners_of(&self, partitions: &Partitions) -> Vec<Text> {
        let mut named = vec![false; self.members.len()];
        for owners in partitions
            .iter()
            .filter_map(|partition| self.owners.get(usize::from(partition)))
        {
            for owner in owners {
                if let Some(named) = named.get_mut(*owner) {
                    *named = true;
                }
            }
        }
        let members = self.members.iter().zip(named);
        members
            .filter(|(_, named)| *named)
            .map(|(member, _)| member.clone())
            .collect()
    }

    /// How long others have to answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Gives each partition to those members that its number and their names draw the highest lots for
/// (rendezvous hashing). A member that comes takes partitions from others, but none moves between
/// those who stay: so while lists are changed node by node, each partition has an owner all the time.
fn assign(members: &[Text], replicas: usize) -> Vec<Vec<usize>> {
    let owners = |partition: u16| {
        let mut lots: Vec<(u64, usize)> = members
            .iter()
            .map(|member| XxHash64::oneshot(u64::from(partition) + 1, member.as_bytes()))
            .zip(0..)
            .collect();
        lots.sort_unstable_by(|one, other| other.cmp(one));
        lots.into_iter()
            .map(|(_, member)| member)
            .take(replicas)
            .collect()
    };
    (0..PARTITIONS).map(owners).collect()
}

#[cfg(test)]
#[path = "division_tests.rs"]
mod tests;

//! Learning from other members, where accounts are divided, what they have of this node's
//! partitions: as another owner of them, or as their owner before the list of members changed.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use kapi::{Content, Share, Want};
use registration::{Text, Zone};

use crate::{
    Registrar,
    division::Partitions,
    outcome::MERGED,
    questions::Patience,
    share::{CHUNK, Place},
};

/// Parts that are asked for at once.
const MAX_AT_ONCE: usize = 4;
const PATIENCE: Patience = Patience {
    limit: Duration::from_secs(15),
    grace: Duration::from_millis(0),
    idle: Duration::from_secs(2),
};

impl Registrar {
    /// Merges what other members have.
    pub(crate) async fn ask_members(&self, zone: &Zone) {
        let Some(division) = self.division() else {
            return;
        };
        let own = *division.own();
        let counting = Share {
            want: Want::Count,
            partitions: Some(own.to_hex().into()),
            ..Share::default()
        };
        let mut most = 0;
        let mut members = HashSet::new();
        let patience = Patience {
            limit: division.timeout(),
            grace: Duration::ZERO,
            idle: division.timeout(),
        };
        // Whoever answers in time, in the list or not: one that is to leave it has the most to tell.
        let anybody = HashSet::new();
        self.put_to_members(zone, &counting, &anybody, patience, |node, content| {
            if let Content::Share(answer) = content {
                members.extend(node);
                let count: u64 = answer.counts.iter().map(|(_, count)| count).sum();
                most = most.max(count);
            }
        })
        .await;
        if most == 0 {
            return;
        }
        tracing::info!(%zone, members = members.len(), registrations = most, "other members have registrations of ours");
        let one_by_one = most > CHUNK as u64;
        let parts: Vec<Partitions> = if one_by_one {
            own.iter().map(Partitions::only).collect()
        } else {
            vec![own]
        };
        stream::iter(parts)
            .for_each_concurrent(MAX_AT_ONCE, |part| self.fetch_part(zone, part, &members))
            .await;
    }

    /// Takes what members have of some partitions, chunk by chunk.
    async fn fetch_part(&self, zone: &Zone, part: Partitions, members: &HashSet<Text>) {
        let mut from: Option<Place> = None;
        loop {
            let share = Share {
                want: Want::Records {
                    from: from.take(),
                    limit: CHUNK,
                },
                partitions: Some(part.to_hex().into()),
                ..Share::default()
            };
            let mut end: Option<Place> = None;
            self.put_to_members(zone, &share, members, PATIENCE, |_, content| {
                let Content::Share(answer) = content else {
                    return;
                };
                let last = answer.records.last().filter(|_| answer.more);
                let last = last.map(|last| {
                    let lower = |text: &str| Text::from(text.to_ascii_lowercase());
                    (lower(&last.username), lower(&last.realm))
                });
                // Whatever others have sent beyond it comes again, and changes nothing.
                end = match (end.take(), last) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
                let merged = self.merge(zone, &answer.records);
                self.stats.add(MERGED, merged);
            })
            .await;
            match end {
                Some((username, realm)) => from = Some((username, format!("{realm}\0").into())),
                None => return,
            }
        }
    }

    async fn put_to_members(
        &self,
        zone: &Zone,
        share: &Share,
        expected: &HashSet<Text>,
        patience: Patience,
        mut take: impl FnMut(Option<Text>, Content),
    ) {
        let mut question = self.questions.open();
        let publication = self.to_members(Some(zone), share, question.msg_id());
        question.put(&publication).await;
        question
            .collect(expected, patience, |answered| {
                take(answered.node, answered.content);
            })
            .await;
    }
}

//! Other registrars' registrations, merged into ours.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use kapi::{Content, PeerQuestion, REGISTRAR_EXCHANGE, encode_query, query_key};
use registration::{Decision, Registration, Report, Text, Zone};

use crate::{bus::Timeouts, context::Context, metrics::MERGED};

/// How long peers have to say how many registrations they have.
const COUNTING: Timeouts = Timeouts {
    limit: Duration::from_secs(2),
    grace: Duration::from_secs(2),
    idle: Duration::from_secs(2),
};
/// How long peers have to tell their registrations.
const FETCHING: Timeouts = Timeouts {
    limit: Duration::from_secs(15),
    grace: Duration::ZERO,
    idle: Duration::from_secs(2),
};
/// An answer is a single message. Peers that have more than this are asked realm by realm.
pub(super) const MAX_IN_ONE: u64 = 20_000;
/// Realms that peers are asked for at once.
const MAX_AT_ONCE: usize = 8;

/// Merges what the other registrars of a zone have. Returns how many answered.
pub(super) async fn ask(context: &Context, zone: &Zone) -> usize {
    let counted = PeerQuestion {
        count_only: true,
        ..PeerQuestion::default()
    };
    let mut most = 0;
    let unknown = HashSet::new();
    let asked = put(context, zone, &counted, &unknown, COUNTING, |_, content| {
        if let Content::Registrations {
            count: Some(count), ..
        } = content
        {
            most = most.max(count);
        }
    });
    let peers = asked.await;
    if most == 0 {
        return peers.len();
    }
    tracing::info!(%zone, peers = peers.len(), registrations = most, "other registrars have registrations");
    if most <= MAX_IN_ONE {
        merge_from(context, zone, None, &peers).await;
        return peers.len();
    }
    let realms = realms_of(context, zone, &peers).await;
    stream::iter(realms)
        .for_each_concurrent(MAX_AT_ONCE, |realm| {
            let peers = &peers;
            async move { merge_from(context, zone, Some(realm), peers).await }
        })
        .await;
    peers.len()
}

async fn realms_of(context: &Context, zone: &Zone, peers: &HashSet<Text>) -> HashSet<Text> {
    let question = PeerQuestion {
        fields: vec!["Realm"],
        ..PeerQuestion::default()
    };
    let mut all = HashSet::new();
    let asked = put(context, zone, &question, peers, FETCHING, |_, content| {
        if let Content::Registrations { realms, .. } = content {
            all.extend(realms.into_iter().map(Text::from));
        }
    });
    asked.await;
    all
}

async fn merge_from(context: &Context, zone: &Zone, realm: Option<Text>, peers: &HashSet<Text>) {
    let question = PeerQuestion {
        realm,
        ..PeerQuestion::default()
    };
    let asked = put(
        context,
        zone,
        &question,
        peers,
        FETCHING,
        |zone, content| {
            if let Content::Registrations {
                records,
                unreadable,
                ..
            } = content
            {
                let merged = merge(context, zone, &records);
                context.metrics.add(MERGED, merged);
                tracing::debug!(%zone, merged, unreadable, "merged what another registrar has");
            }
        },
    );
    asked.await;
}

/// Asks the other registrars of a zone. Returns those that have answered.
async fn put(
    context: &Context,
    zone: &Zone,
    what: &PeerQuestion,
    expected: &HashSet<Text>,
    timeouts: Timeouts,
    mut take: impl FnMut(&Zone, Content),
) -> HashSet<Text> {
    let mut question = context.questions.open();
    let key = query_key(what.realm.as_deref());
    let body = encode_query(what, question.msg_id(), &context.settings.identity);
    context
        .publish(Some(zone), REGISTRAR_EXCHANGE, key, body)
        .await;
    question
        .collect(expected, timeouts, |answer| {
            take(&answer.zone, answer.content);
        })
        .await
}

/// Takes in records that are newer than what is known. Returns how many these are.
fn merge(context: &Context, zone: &Zone, records: &[Report]) -> u64 {
    let now = context.clock.now().seconds();
    let default_realm = &context.settings.policy.default_realm;
    let merged = records.iter().filter(|record| {
        let registration = Registration::from_record(record, zone, default_realm, now);
        matches!(context.cache.merge(&registration), Decision::Store(..))
    });
    merged.count() as u64
}

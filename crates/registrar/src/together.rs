//! Questions that several nodes answer together, where accounts are divided over them. An answer is
//! whole when all partitions are accounted for. One that is not whole is an error, never a short list.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use kapi::{Answer, Content, Query, Share, ShareAnswer, Want, encode_answer};
use registration::{AccountId, Aor, Registration, Report, Text, UnixSeconds, Zone};
use tokio::time::Instant;

use crate::{
    Registrar,
    accounts::Scope,
    bus::Publication,
    division::{Division, PARTITIONS, Partitions, partition},
    held::Held,
    reads::addressed,
    share::{CHUNK, Place, place},
};

/// The most registrations that one message, or what several nodes put together, may have.
pub const MAX_GATHERED: usize = 200_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// For some realms nobody has answered.
    #[error("{detail}: of {} of {PARTITIONS} parts of the realms nothing is known; they are on {}", .lacking, .nodes.join(", "))]
    Unreachable {
        /// Who should have.
        nodes: Vec<String>,
        /// How many partitions nobody has answered for.
        lacking: usize,
        /// What happened.
        detail: String,
    },
    /// It would have too many registrations to be put together.
    #[error("more than {MAX_GATHERED} registrations")]
    TooMany,
}

/// What all members have said to one question.
#[derive(Default)]
struct Round {
    spoken_for: Partitions,
    answers: Vec<ShareAnswer<Arc<Registration>>>,
}

impl Round {
    /// Takes an answer in; one that speaks for nothing may lack anything.
    fn take(&mut self, answer: ShareAnswer<Arc<Registration>>) {
        let Some(partitions) = Partitions::from_hex(&answer.partitions) else {
            return;
        };
        if !partitions.is_empty() {
            self.spoken_for.extend(&partitions);
            self.answers.push(answer);
        }
    }
}

impl Registrar {
    /// What belongs to an account, for all that is known on any node; `None` if none knows it.
    pub async fn find_scope(
        &self,
        account: &AccountId,
        realm: Option<&str>,
    ) -> Result<Option<Scope>, Unanswered> {
        let known = self.scope(account, realm);
        let Some(division) = self.division() else {
            return Ok(known);
        };
        let share = Share {
            account: Some(*account),
            ..Share::default()
        };
        let round = Box::pin(self.ask_all(division, &share)).await?;
        let mut realms = known.map(|scope| scope.realms);
        let told = round.answers.into_iter().filter_map(|answer| answer.realms);
        for realm in told.flatten() {
            let realms = realms.get_or_insert_default();
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
        Ok(realms.map(|realms| Scope {
            account: *account,
            realms,
        }))
    }

    /// The live registrations of an account, or of all accounts, on all nodes, in no order.
    pub async fn find(&self, scope: Option<&Scope>) -> Result<Vec<Held>, Unanswered> {
        match self.division() {
            None => Ok(match scope {
                Some(scope) => self.list(scope),
                None => self.all(),
            }),
            Some(division) => {
                let whose = of_scope(scope);
                let found = self.gather(division, whose, None, MAX_GATHERED + 1).await?;
                Ok(apart(&found))
            }
        }
    }

    /// Those of an account that have a username, in any case.
    pub async fn find_named(&self, scope: &Scope, username: &str) -> Result<Vec<Held>, Unanswered> {
        if self.division().is_none() {
            let (account, realms) = (Some(&scope.account), scope.realms.as_slice());
            return Ok(self.table.find_named(account, realms, username));
        }
        let mut named = self.find(Some(scope)).await?;
        named.retain(|held| held.username().eq_ignore_ascii_case(username));
        Ok(named)
    }

    /// The live registrations of an account, or of all, of which the caller wants only so many from a
    /// place on, in the order of lists.
    /// There may be others among them.
    pub async fn find_page(
        &self,
        scope: Option<&Scope>,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Held>, Unanswered> {
        match self.division() {
            None => self.find(scope).await,
            Some(division) => {
                let found = self.gather(division, of_scope(scope), from, limit).await?;
                Ok(apart(&found))
            }
        }
    }

    /// How many live registrations an account has, or all accounts, on all nodes.
    pub async fn find_count(&self, scope: Option<&Scope>) -> Result<usize, Unanswered> {
        let Some(division) = self.division() else {
            return Ok(scope.map_or_else(|| self.total(), |scope| self.count(scope)));
        };
        let share = Share {
            want: Want::Count,
            ..of_scope(scope)
        };
        let round = Box::pin(self.ask_all(division, &share)).await?;
        Ok(sum(&round.answers))
    }

    /// Other nodes that have phones of an account, or its realms. Each tells only of the changes to
    /// what it has itself.
    pub async fn others_with(&self, scope: &Scope) -> Result<Vec<String>, Unanswered> {
        let Some(division) = self.division() else {
            return Ok(Vec::new());
        };
        let found = self.find(Some(scope)).await?;
        let realms = scope.realms.iter().map(|realm| &**realm);
        let realms = realms.chain(found.iter().map(Held::realm));
        let mut theirs = Partitions::default();
        for realm in realms.filter(|realm| !division.owns(realm)) {
            theirs.insert(partition(realm));
        }
        let owners = division.owners_of(&theirs);
        Ok(owners.iter().map(ToString::to_string).collect())
    }

    /// The registration of an AOR, wherever it is.
    pub(crate) async fn find_one(
        &self,
        aor: &Aor,
    ) -> Result<Option<Arc<Registration>>, Unanswered> {
        let division = match self.division() {
            Some(division) if !division.owns(aor.realm()) => division,
            _ => return Ok(self.get(aor)),
        };
        let whose = Share {
            realms: vec![aor.realm().into()],
            partitions: Some(Partitions::only(partition(aor.realm())).to_hex().into()),
            ..Share::default()
        };
        let from = (aor.username().into(), aor.realm().into());
        let found = self.gather(division, whose, Some(from), 1).await?;
        Ok(found.into_iter().find(|one| one.aor() == *aor))
    }

    /// Whether others have to be asked before a question can be answered.
    pub fn asks_for(&self, query: &Query) -> bool {
        self.division().is_some() && query.share.is_none()
    }

    /// The answer to a question for which others have to be asked, addressed to who asked.
    pub async fn answer_for_all(&self, query: &Query) -> Result<Publication, Unanswered> {
        let Some(division) = self.division() else {
            return self.answer(query);
        };
        let whose = Share {
            realms: query.realm.iter().cloned().collect(),
            ..Share::default()
        };
        let answer = if query.count_only && query.username.is_none() {
            let share = Share {
                want: Want::Count,
                ..whose
            };
            Answer::Count(sum(&Box::pin(self.ask_all(division, &share))
                .await?
                .answers))
        } else {
            let mut found = self.gather(division, whose, None, MAX_GATHERED + 1).await?;
            if let Some(username) = &query.username {
                found.retain(|one| one.username.eq_ignore_ascii_case(username));
            }
            if query.count_only {
                Answer::Count(found.len())
            } else {
                Answer::Registrations(found.into_iter().map(Arc::unwrap_or_clone))
            }
        };
        let body = encode_answer(query, answer, self.age(), self.questions.identity());
        Ok(addressed(query, body))
    }

    /// Asks chunk by chunk until there are `limit`, or all.
    async fn gather(
        &self,
        division: &Division,
        whose: Share,
        mut from: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Arc<Registration>>, Unanswered> {
        let mut all: BTreeMap<Place, Arc<Registration>> = BTreeMap::new();
        loop {
            let share = Share {
                want: Want::Records {
                    from: from.take(),
                    limit: limit.min(CHUNK),
                },
                ..whose.clone()
            };
            let round = Box::pin(self.ask_all(division, &share)).await?;
            // Behind the last one of a member that has more, others may lie between.
            let unfinished = round.answers.iter().filter(|answer| answer.more);
            let ends = unfinished.filter_map(|answer| answer.records.last());
            let end = ends.map(|last| place(&last.username, &last.realm)).min();
            for one in round.answers.into_iter().flat_map(|answer| answer.records) {
                let at = place(&one.username, &one.realm);
                if end.as_ref().is_none_or(|end| at <= *end) {
                    keep_newer(&mut all, at, one);
                }
            }
            if all.len() > MAX_GATHERED {
                return Err(Unanswered::TooMany);
            }
            match end {
                Some(end) if all.len() < limit => from = Some(next_place(&end)),
                _ => return Ok(all.into_values().collect()),
            }
        }
    }

    /// Puts one question to all members, this one included, until all partitions that it is about
    /// are spoken for.
    async fn ask_all(&self, division: &Division, share: &Share) -> Result<Round, Unanswered> {
        let wanted = wanted(share);
        let mut round = Round::default();
        round.take(self.share(share));
        if wanted.without(&round.spoken_for).is_empty() {
            return Ok(round);
        }
        let unreachable = |round: &Round, detail: String| {
            let lacking = wanted.without(&round.spoken_for);
            let nodes = division.owners_of(&lacking);
            Unanswered::Unreachable {
                nodes: nodes.iter().map(ToString::to_string).collect(),
                lacking: lacking.len(),
                detail,
            }
        };
        let deadline = Instant::now() + division.timeout();
        let mut question = self.questions.open();
        let publication = self.to_members(None, share, question.msg_id());
        let putting = tokio::time::timeout_at(deadline, question.put(&publication)).await;
        match putting {
            Ok(receipt) if receipt.confirmed.is_empty() => {
                let mut reasons = receipt.missing.into_iter().map(|(_, reason)| reason);
                let reason = reasons.next().unwrap_or_default();
                let detail = format!("the others cannot be asked ({reason})");
                return Err(unreachable(&round, detail));
            }
            // It may have gone out all the same.
            Ok(_) | Err(_) => {}
        }
        let mut answered: HashSet<Text> = HashSet::new();
        while let Some(reply) = question.next(deadline).await {
            answered.extend(reply.node);
            if let Content::Share(answer) = reply.content {
                round.take(self.read_share(*answer, &reply.zone));
            }
            if wanted.without(&round.spoken_for).is_empty() {
                return Ok(round);
            }
            if division.is_everyone_else(&answered) {
                return Err(unreachable(&round, "a member is not complete yet".into()));
            }
        }
        let seconds = division.timeout().as_secs_f32();
        Err(unreachable(&round, format!("no answer within {seconds} s")))
    }

    fn read_share(
        &self,
        answer: ShareAnswer<Report>,
        zone: &Zone,
    ) -> ShareAnswer<Arc<Registration>> {
        let default_realm = &self.settings.policy.default_realm;
        // As the member has it, whatever our clock says.
        let to_the_letter = UnixSeconds(u64::MAX);
        let record = |report: &Report| {
            let record = Registration::from_record(report, zone, default_realm, to_the_letter);
            Arc::new(record)
        };
        ShareAnswer {
            records: answer.records.iter().map(record).collect(),
            partitions: answer.partitions,
            realms: answer.realms,
            counts: answer.counts,
            more: answer.more,
        }
    }
}

/// As the table's own, though others have it.
fn apart(found: &[Arc<Registration>]) -> Vec<Held> {
    found.iter().map(|one| Held::apart(one)).collect()
}

fn of_scope(scope: Option<&Scope>) -> Share {
    match scope {
        Some(scope) => Share {
            account: Some(scope.account),
            realms: scope.realms.clone(),
            ..Share::default()
        },
        None => Share::default(),
    }
}

/// The partitions that a question is about. A realm's phones may be in other realms, whose account
/// has it: nothing less than all will do.
fn wanted(share: &Share) -> Partitions {
    let only = share.partitions.as_deref().and_then(Partitions::from_hex);
    only.unwrap_or(Partitions::ALL)
}

/// Of each partition what the first that speaks for it has counted.
fn sum(answers: &[ShareAnswer<Arc<Registration>>]) -> usize {
    let mut counted = Partitions::default();
    let mut all = 0;
    for answer in answers {
        let spoken_for = Partitions::from_hex(&answer.partitions).unwrap_or_default();
        let counts: HashMap<u16, u64> = answer.counts.iter().copied().collect();
        for partition in spoken_for.without(&counted).iter() {
            all += counts.get(&partition).copied().unwrap_or_default();
        }
        counted.extend(&spoken_for);
    }
    usize::try_from(all).unwrap_or(usize::MAX)
}

fn keep_newer(all: &mut BTreeMap<Place, Arc<Registration>>, at: Place, one: Arc<Registration>) {
    let is_news = all
        .get(&at)
        .is_none_or(|known| known.last_registration < one.last_registration);
    if is_news {
        all.insert(at, one);
    }
}

/// The first place behind another.
fn next_place((username, realm): &Place) -> Place {
    (username.clone(), format!("{realm}\0").into())
}

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;

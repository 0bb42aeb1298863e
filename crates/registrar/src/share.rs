//! Questions that several nodes answer together, where accounts are divided over them: each member
//! tells what it has and for which partitions that is all, and an answer is whole when all
//! partitions are accounted for. One that is not whole is an error, never a short list.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use kapi::{
    Answer, Content, Event, MEMBERS_KEY, Query, Share, ShareAnswer, TARGETED_EXCHANGE, Want,
    decode, encode_answer, encode_share, encode_share_answer,
};
use registration::{AccountId, Aor, Registration, Report, Text, UnixSeconds, Zone};
use tokio::time::Instant;

use crate::{
    Registrar,
    accounts::Scope,
    bus::Publication,
    division::{Division, PARTITIONS, Partitions, partition},
    held::{Held, unpacked},
    outcome::{HANDED_ON, LOST, Outcome},
    service::addressed,
};

/// Registrations in one member's message; more come in the next.
pub(crate) const CHUNK: usize = 20_000;
/// The most registrations that one message, or what several nodes put together, may have.
pub const MAX_GATHERED: usize = 200_000;

/// A place in the order of lists: a username and a realm, both lower-cased.
pub type Place = (Text, Text);

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
            account: Some(account.clone()),
            ..Share::default()
        };
        let round = self.ask_all(division, &share).await?;
        let mut realms = known.map(|scope| scope.realms);
        let told = round.answers.into_iter().filter_map(|answer| answer.realms);
        for realm in told.flatten() {
            let realms = realms.get_or_insert_default();
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
        Ok(realms.map(|realms| Scope {
            account: account.clone(),
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

    /// The same, of which the caller wants only so many from a place on, in the order of lists.
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
        let round = self.ask_all(division, &share).await?;
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
            let round = self.ask_all(division, &share).await?;
            // Behind the last one of a member that has more, others may lie between.
            let ends = round.answers.iter().filter(|answer| answer.more);
            let end = ends
                .filter_map(|answer| answer.records.last().map(|last| place(last)))
                .min();
            for one in round.answers.into_iter().flat_map(|answer| answer.records) {
                let at = place(&one);
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
                for one in self.selected(share) {
                    *counts.entry(partition(&one.realm)).or_default() += 1;
                }
                answer.counts = counts.into_iter().collect();
            }
            Want::Records { from, limit } => {
                let mut placed: Vec<_> = self
                    .selected(share)
                    .into_iter()
                    .map(|one| (place(&one), one))
                    .filter(|(at, _)| from.as_ref().is_none_or(|from| at >= from))
                    .collect();
                let limit = (*limit).clamp(1, CHUNK);
                answer.more = placed.len() > limit;
                if answer.more {
                    placed.select_nth_unstable_by(limit, |(one, _), (other, _)| one.cmp(other));
                    placed.truncate(limit);
                }
                placed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                answer.records = placed.into_iter().map(|(_, one)| one).collect();
            }
        }
        answer
    }

    fn selected(&self, share: &Share) -> Vec<Arc<Registration>> {
        let only = share.partitions.as_deref().map(Partitions::from_hex);
        // What cannot be read is none.
        let only = only.map(Option::unwrap_or_default);
        let is_wanted = |realm: &str| only.is_none_or(|only| only.has(partition(realm)));
        let mut selected = match (&share.account, share.realms.as_slice(), only) {
            (Some(account), realms, _) => self.table.select(Some(account), realms),
            (None, [], None) => unpacked(&self.table.all()),
            (None, [], Some(_)) => {
                let mut realms = self.table.realms();
                realms.retain(|realm| is_wanted(realm));
                self.table.select(None, &realms)
            }
            (None, realms, _) => self.table.select(None, realms),
        };
        if only.is_some() {
            selected.retain(|one| is_wanted(&one.realm));
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
            Answer::Count(sum(&self.ask_all(division, &share).await?.answers))
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

    /// The answer to a member's question, addressed to it.
    pub(crate) fn answer_member(&self, query: &Query, share: &Share) -> Publication {
        let answer = self.share(share);
        let body = encode_share_answer(query, answer, self.questions.identity());
        addressed(query, body)
    }
}

/// As the table's own, though others have it.
fn apart(found: &[Arc<Registration>]) -> Vec<Held> {
    found.iter().map(|one| Held::apart(one)).collect()
}

fn of_scope(scope: Option<&Scope>) -> Share {
    match scope {
        Some(scope) => Share {
            account: Some(scope.account.clone()),
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

fn place(registration: &Registration) -> Place {
    let lower = |text: &str| Text::from(text.to_ascii_lowercase());
    (lower(&registration.username), lower(&registration.realm))
}

/// The first place behind another.
fn next_place((username, realm): &Place) -> Place {
    (username.clone(), format!("{realm}\0").into())
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;

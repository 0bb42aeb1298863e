//! Questions of ours that wait for answers.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use kapi::{Content, Identity, Reply};
use registration::{Text, Zone};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::bus::{Bus, Publication, Receipt};

/// Answers to one question that wait to be read; what comes beyond is dropped, and said to be.
const MAX_WAITING: usize = 8192;

/// The questions that are open, and the way to put more.
pub(crate) struct Questions {
    bus: Arc<dyn Bus>,
    identity: Identity,
    open: DashMap<String, Open>,
}

struct Open {
    answers: mpsc::Sender<Answered>,
    lost: Arc<AtomicBool>,
}

/// An answer, and where it came from.
pub(crate) struct Answered {
    /// The zone it was delivered in.
    pub(crate) zone: Zone,
    /// Node of who answers.
    pub(crate) node: Option<Text>,
    /// What it says.
    pub(crate) content: Content,
}

impl Questions {
    pub(crate) fn new(bus: Arc<dyn Bus>, identity: Identity) -> Self {
        Self {
            bus,
            identity,
            open: DashMap::new(),
        }
    }

    /// Who asks.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Opens a question.
    pub(crate) fn open(&self) -> Question<'_> {
        let msg_id = Identity::message_id();
        let (sender, answers) = mpsc::channel(MAX_WAITING);
        let lost = Arc::new(AtomicBool::new(false));
        let open = Open {
            answers: sender,
            lost: Arc::clone(&lost),
        };
        self.open.insert(msg_id.clone(), open);
        Question {
            questions: self,
            msg_id,
            answers,
            lost,
        }
    }

    /// Hands an answer to whoever asked. False if nobody waits for it (any more).
    pub(crate) fn answered(&self, zone: &Zone, reply: Reply) -> bool {
        let Some(open) = self.open.get(&*reply.msg_id) else {
            return false;
        };
        let answered = Answered {
            zone: zone.clone(),
            node: reply.node,
            content: reply.content,
        };
        let taken = open.answers.try_send(answered).is_ok();
        if !taken {
            open.lost.store(true, Ordering::Relaxed);
        }
        taken
    }
}

/// An open question; closed when dropped.
pub(crate) struct Question<'a> {
    questions: &'a Questions,
    msg_id: String,
    answers: mpsc::Receiver<Answered>,
    lost: Arc<AtomicBool>,
}

impl Question<'_> {
    /// What answers will refer to.
    pub(crate) fn msg_id(&self) -> &str {
        &self.msg_id
    }

    /// Puts it.
    pub(crate) async fn put(&self, publication: &Publication) -> Receipt {
        self.questions.bus.publish(publication).await
    }

    /// The next answer, if one comes in time.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Option<Answered> {
        timeout_at(deadline, self.answers.recv()).await.ok()?
    }

    /// Whether all that came could be kept.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }

    /// Hands each answer to `take`, until the nodes in `expected` have said all, and a while more,
    /// since a proxy's last word may overtake the others; or until the limit. Returns the nodes
    /// that have said all.
    pub(crate) async fn collect(
        &mut self,
        expected: &HashSet<Text>,
        patience: Patience,
        mut take: impl FnMut(Answered),
    ) -> HashSet<Text> {
        let begun = Instant::now();
        let mut deadline = begun
            + if expected.is_empty() {
                patience.idle
            } else {
                patience.limit
            };
        let mut ended = HashSet::new();
        while let Some(answered) = self.next(deadline).await {
            let is_end = !matches!(answered.content, Content::Found(_));
            let node = answered.node.clone();
            take(answered);
            if let (true, Some(node)) = (is_end, node) {
                ended.insert(node);
                if !expected.is_empty() && expected.is_subset(&ended) {
                    deadline = deadline.min(Instant::now() + patience.grace);
                }
            }
        }
        ended
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.questions.open.remove(&self.msg_id);
    }
}

/// How long to wait for answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// At most.
    pub(crate) limit: Duration,
    /// For whatever comes after the last of those who were expected.
    pub(crate) grace: Duration,
    /// If nobody is expected.
    pub(crate) idle: Duration,
}

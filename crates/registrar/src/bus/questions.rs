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

/// Answers to one question that may wait to be read; further ones are dropped and noted.
const MAX_WAITING: usize = 8192;

/// The questions that are open.
#[derive(Default)]
pub(crate) struct Questions(DashMap<String, Open>);

struct Open {
    answers: mpsc::Sender<Answer>,
    lost: Arc<AtomicBool>,
}

/// An answer, and where it came from.
pub(crate) struct Answer {
    /// The zone it was delivered in.
    pub(crate) zone: Zone,
    /// The node that answers.
    pub(crate) node: Option<Text>,
    /// What it says.
    pub(crate) content: Content,
}

impl Questions {
    /// Opens a question, to be published under its `Msg-ID`.
    pub(crate) fn open(&self) -> Question<'_> {
        let msg_id = Identity::message_id();
        let (sender, answers) = mpsc::channel(MAX_WAITING);
        let lost = Arc::new(AtomicBool::new(false));
        let open = Open {
            answers: sender,
            lost: Arc::clone(&lost),
        };
        self.0.insert(msg_id.clone(), open);
        Question {
            questions: self,
            msg_id,
            answers,
            lost,
        }
    }

    /// Hands an answer to the question it refers to. False if that is closed or full.
    pub(crate) fn answered(&self, zone: &Zone, reply: Reply) -> bool {
        let Some(open) = self.0.get(&*reply.msg_id) else {
            return false;
        };
        let answer = Answer {
            zone: zone.clone(),
            node: reply.node,
            content: reply.content,
        };
        let taken = open.answers.try_send(answer).is_ok();
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
    answers: mpsc::Receiver<Answer>,
    lost: Arc<AtomicBool>,
}

impl Question<'_> {
    /// The id that answers refer to.
    pub(crate) fn msg_id(&self) -> &str {
        &self.msg_id
    }

    /// The next answer; `None` once the deadline has passed.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Option<Answer> {
        timeout_at(deadline, self.answers.recv()).await.ok()?
    }

    /// Whether every answer that came was kept.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }

    /// Hands each answer to `take` until every `expected` node has sent its last one and the grace
    /// period is over (a proxy's last answer may overtake its others), or until the limit. Returns
    /// the nodes that have sent their last one.
    pub(crate) async fn collect(
        &mut self,
        expected: &HashSet<Text>,
        timeouts: Timeouts,
        mut take: impl FnMut(Answer),
    ) -> HashSet<Text> {
        let wait = if expected.is_empty() {
            timeouts.idle
        } else {
            timeouts.limit
        };
        let mut deadline = Instant::now() + wait;
        let mut ended = HashSet::new();
        while let Some(answer) = self.next(deadline).await {
            let is_end = !matches!(answer.content, Content::Found(_));
            let node = answer.node.clone();
            take(answer);
            if let (true, Some(node)) = (is_end, node) {
                ended.insert(node);
                if !expected.is_empty() && expected.is_subset(&ended) {
                    deadline = deadline.min(Instant::now() + timeouts.grace);
                }
            }
        }
        ended
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.questions.0.remove(&self.msg_id);
    }
}

/// How long to wait for answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// The longest wait for expected nodes.
    pub(crate) limit: Duration,
    /// The wait for further answers after the last expected node's last one.
    pub(crate) grace: Duration,
    /// The wait where no node is expected.
    pub(crate) idle: Duration,
}

//! The changes of the table as they happen, for followers, and the last of them for followers that
//! come back.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kapi::Identity;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::cache::{Change, ChangeListener};

/// A change with its number.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    number: u64,
    /// The change.
    pub change: Change,
}

/// What a follower receives.
pub struct FeedSubscription {
    /// The changes since the last one that the follower knows; `None` if they are no longer kept, and
    /// everything has to be asked for again.
    pub missed: Option<Vec<Arc<FeedEvent>>>,
    /// The changes from here on; ends when the process stops.
    pub next: broadcast::Receiver<Arc<FeedEvent>>,
    /// Id of the last change before `next`.
    pub last_id: String,
}

/// Hands changes to followers, and keeps the last of them.
pub struct Feed {
    /// Tells this process' ids from those of another start.
    epoch: String,
    capacity: usize,
    followed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    last: u64,
    kept: VecDeque<Arc<FeedEvent>>,
    sender: Option<broadcast::Sender<Arc<FeedEvent>>>,
}

impl Feed {
    /// A feed that keeps the last `capacity` changes, and the listener that it learns from. A follower
    /// that is further behind is dropped.
    pub fn new(capacity: usize) -> (Arc<Self>, ChangeListener) {
        let (sender, _) = broadcast::channel(capacity.max(1));
        let feed = Arc::new(Self {
            epoch: Identity::message_id().chars().take(8).collect(),
            capacity: capacity.max(1),
            followed: AtomicBool::new(false),
            state: Mutex::new(State {
                last: 0,
                kept: VecDeque::new(),
                sender: Some(sender),
            }),
        });
        let (listening, followed) = (Arc::clone(&feed), Arc::clone(&feed));
        let listener = ChangeListener::with_refreshes(
            move |change| listening.tell(change),
            move || followed.is_followed(),
        );
        (feed, listener)
    }

    /// Whether changes have ever been asked for.
    fn is_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed)
    }

    /// Keeps a change and hands it on, once changes have been asked for.
    fn tell(&self, change: &Change) {
        if !self.is_followed() {
            return;
        }
        let mut state = self.state.lock();
        state.last += 1;
        let told = Arc::new(FeedEvent {
            number: state.last,
            change: change.clone(),
        });
        if state.kept.len() == self.capacity {
            state.kept.pop_front();
        }
        state.kept.push_back(Arc::clone(&told));
        if let Some(sender) = &state.sender {
            // It fails if there is no follower just now.
            let _ = sender.send(told);
        }
    }

    /// A change's id.
    pub fn id(&self, told: &FeedEvent) -> String {
        format!("{}-{}", self.epoch, told.number)
    }

    /// Follows from now on, or from after the change with an id. `None` once the feed is closed.
    pub fn follow(&self, after: Option<&str>) -> Option<FeedSubscription> {
        self.followed.store(true, Ordering::Relaxed);
        let state = self.state.lock();
        let next = state.sender.as_ref()?.subscribe();
        let missed = match after {
            None => Some(Vec::new()),
            Some(id) => self.missed(&state, id),
        };
        Some(FeedSubscription {
            missed,
            next,
            last_id: format!("{}-{}", self.epoch, state.last),
        })
    }

    fn missed(&self, state: &State, id: &str) -> Option<Vec<Arc<FeedEvent>>> {
        let (epoch, number) = id.rsplit_once('-')?;
        let number: u64 = number.parse().ok().filter(|number| *number <= state.last)?;
        let first = state.last - state.kept.len() as u64;
        if epoch != self.epoch || number < first {
            return None;
        }
        let missed = state.kept.iter().filter(|told| told.number > number);
        Some(missed.cloned().collect())
    }

    /// Ends it for all followers.
    pub fn close(&self) {
        self.state.lock().sender = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChangeKind, fakes::World};

    fn numbers(following: &FeedSubscription) -> Option<Vec<u64>> {
        let missed = following.missed.as_ref()?;
        Some(missed.iter().map(|told| told.number).collect())
    }

    #[tokio::test]
    async fn a_follower_sees_what_happens_and_who_comes_back_what_was_missed() {
        let (feed, listener) = Feed::new(3);
        let world = World::new(vec![listener]);
        world.register("before");
        let mut first = feed.follow(None).unwrap();
        assert_eq!(numbers(&first), Some(vec![]));
        for user in ["a", "b"] {
            world.register(user);
        }
        let told = first.next.recv().await.unwrap();
        assert_eq!(told.change.kind, ChangeKind::Registered);
        let id = feed.id(&told);
        assert_eq!(numbers(&feed.follow(Some(&id)).unwrap()), Some(vec![2]));
        assert_eq!(
            numbers(&feed.follow(Some(&first.last_id)).unwrap()),
            Some(vec![1, 2])
        );
        for user in ["c", "d"] {
            world.register(user);
        }
        // The first is gone, so what came after it is known, and what came before is not.
        assert_eq!(
            numbers(&feed.follow(Some(&id)).unwrap()),
            Some(vec![2, 3, 4])
        );
        for stale in [
            first.last_id.as_str(),
            "other-1",
            "x",
            "",
            "-",
            &format!("{}-99", feed.epoch),
        ] {
            assert_eq!(numbers(&feed.follow(Some(stale)).unwrap()), None, "{stale}");
        }
        feed.close();
        assert!(feed.follow(None).is_none());
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told() {
        let (feed, listener) = Feed::new(3);
        let world = World::new(vec![listener]);
        let mut slow = feed.follow(None).unwrap();
        for number in 0..10 {
            world.register(&format!("user{number}"));
        }
        let error = slow.next.recv().await.unwrap_err();
        assert!(
            matches!(error, broadcast::error::RecvError::Lagged(_)),
            "{error}"
        );
    }
}

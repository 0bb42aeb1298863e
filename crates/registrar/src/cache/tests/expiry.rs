//! With the machine's own clock: moka lets go of what has ended, and the index with it.

use std::time::{Duration, Instant};

use registration::SystemClock;

use super::*;

struct Real {
    cache: Cache,
    told: Arc<Mutex<Vec<Change>>>,
}

impl Real {
    fn new() -> Self {
        let World { told, .. } = World::new();
        let telling = Arc::clone(&told);
        let listener =
            ChangeListener::new(move |change| telling.lock().unwrap().push(change.clone()));
        let clock = Arc::new(SystemClock);
        let cache = Cache::new(clock, Capacity::default(), vec![listener]);
        Self { cache, told }
    }

    fn register(&self, username: &str, realm: &str, expires: u32, fingerprint: u64) {
        let now = SystemClock.now().seconds();
        apply(
            &self.cache,
            &report(now, username, realm, 0, expires),
            fingerprint,
        );
    }

    fn sweep_until(&self, done: impl Fn() -> bool) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < patience, "what has ended is still held");
            std::thread::sleep(Duration::from_millis(20));
            self.cache.sweep();
        }
    }
}

#[test]
fn what_has_ended_goes_and_what_was_refreshed_stays() {
    let real = Real::new();
    real.register("gone", "main.example.com", 2, 0);
    real.register("kept", "main.example.com", 2, 0);
    real.register("kept", "main.example.com", 3600, 0);
    real.register("sooner", "main.example.com", 3600, 0);
    real.register("sooner", "main.example.com", 2, 0);
    real.register("elsewhere", "other.example.com", 2, 0);
    real.sweep_until(|| real.cache.held() == 1);
    let left = real.cache.all();
    assert_eq!(aors(&left), [Aor::new("kept", "main.example.com")]);
    let told = real.told.lock().unwrap();
    let mut expired: Vec<_> = told
        .iter()
        .filter(|change| change.kind == ChangeKind::Expired)
        .map(|change| change.before.as_ref().unwrap().username().to_owned())
        .collect();
    expired.sort();
    assert_eq!(expired, ["elsewhere", "gone", "sooner"]);
}

#[test]
fn a_repeated_message_keeps_it() {
    let real = Real::new();
    let begun = SystemClock.now().seconds().0;
    real.register("bob", "main.example.com", 3, 0);
    // Only the second message of a phone leaves its fingerprint: nothing of the first remains in it.
    std::thread::sleep(Duration::from_millis(1100));
    real.register("bob", "main.example.com", 3, 7);
    let refresh = |time: u64| {
        real.cache.refresh(
            &Aor::new("bob", "main.example.com"),
            UnixSeconds(time),
            7,
            0,
        )
    };
    let mut refreshed = 0;
    while SystemClock.now().seconds().0 < begun + 8 {
        refreshed += u32::from(refresh(SystemClock.now().seconds().0));
        real.cache.sweep();
        assert_eq!(real.cache.len(), 1, "it ended early");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(refreshed >= 4, "{refreshed}");
    real.sweep_until(|| real.cache.held() == 0);
    let told = real.told.lock().unwrap();
    let expired = told
        .iter()
        .filter(|change| change.kind == ChangeKind::Expired);
    assert_eq!(expired.count(), 1);
}

//! The present second, as envelopes show it.

use std::{cell::RefCell, rc::Rc};

use registration::Clock;

thread_local! {
    static LAST: RefCell<Second> = RefCell::new(Second::new(0));
}

/// A second's text, made once for each worker.
struct Second {
    at: i64,
    timestamp: Rc<str>,
}

impl Second {
    fn new(second: i64) -> Self {
        let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
        Self {
            at: second,
            timestamp: time.to_string().into(),
        }
    }
}

/// The present second in ISO 8601.
pub(super) fn timestamp(clock: &dyn Clock) -> Rc<str> {
    let second = i64::try_from(clock.now().seconds().0).unwrap_or(i64::MAX);
    LAST.with_borrow_mut(|last| {
        if last.at != second {
            *last = Second::new(second);
        }
        Rc::clone(&last.timestamp)
    })
}

//! The present second, as envelopes show it.

use std::{cell::RefCell, rc::Rc};

use registration::Clock;

/// The present second in ISO 8601; its text is made once for each worker.
pub(super) fn timestamp(clock: &dyn Clock) -> Rc<str> {
    thread_local! {
        static LAST: RefCell<(i64, Rc<str>)> = RefCell::new((0, text(0)));
    }
    let second = i64::try_from(clock.now().seconds().0).unwrap_or(i64::MAX);
    LAST.with_borrow_mut(|(last, shown)| {
        if *last != second {
            (*last, *shown) = (second, text(second));
        }
        Rc::clone(shown)
    })
}

fn text(second: i64) -> Rc<str> {
    let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
    time.to_string().into()
}

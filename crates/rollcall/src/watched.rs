//! Telling systemd how it goes: started, stopping, alive (`Type=notify`, `WatchdogSec=`).
//!
//! Does nothing where systemd does not ask for it.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::life::Life;

/// Says that it has started, and from now on that it is alive.
pub fn started(life: &Life) {
    tell(NotifyState::Ready);
    let mut limit_us = 0;
    if sd_notify::watchdog_enabled(false, &mut limit_us) {
        // Well before it is given up.
        let period = Duration::from_micros(limit_us) / 3;
        life.every(period, "watchdog", || tell(NotifyState::Watchdog));
    }
    life.before_drain(|| tell(NotifyState::Stopping));
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

//! Tells systemd the service's state: started, stopping, alive (`Type=notify`, `WatchdogSec=`).
//!
//! Does nothing where systemd does not ask for it.

use std::time::Duration;

use sd_notify::NotifyState;

use super::Lifecycle;

/// Says that it has started, and from now on that it is alive.
pub fn started(lifecycle: &Lifecycle) {
    tell(NotifyState::Ready);
    let mut limit_us = 0;
    if sd_notify::watchdog_enabled(false, &mut limit_us) {
        // Well before it is given up.
        let period = Duration::from_micros(limit_us) / 3;
        lifecycle.every(period, "watchdog", || tell(NotifyState::Watchdog));
    }
    lifecycle.on_shutdown(|| tell(NotifyState::Stopping));
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

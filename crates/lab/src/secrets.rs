//! What no log may show: every secret in the tests is planted, to be found.

use std::{
    fs::OpenOptions,
    path::PathBuf,
    sync::{Mutex, Once},
};

use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The password of the lab's brokers.
pub const BROKER_PASSWORD: &str = "planted-broker-password";

/// What secrets in the tests begin with or are: tokens and passwords, and JWTs by their first header.
pub const PLANTED: [&str; 4] = ["planted-", "hunter2", "eyJhbGci", "eyJ0eXAi"];

/// Names the folder that logs of code that runs within a test go to, for `scripts/test` to search.
const FOLDER: &str = "ROLLCALL_LAB_LOGS";

/// Our own crates, as far as they say anything.
const OURS: &str = "off,amqp=trace,facade=trace,kapi=trace,registrar=trace,registration=trace";

/// The first line that shows a secret.
pub fn shown(log: &str) -> Option<&str> {
    let shows = |line: &&str| PLANTED.iter().any(|secret| line.contains(secret));
    log.lines().find(shows)
}

/// From now on all that our code logs in this process is written down, if the run asks for it.
///
/// # Panics
///
/// If it cannot be.
#[expect(clippy::panic, reason = "a run that searches too little has failed")]
pub fn write_down() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
            return;
        };
        let path = folder.join(format!("{}.log", std::process::id()));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let ours: Targets = OURS
            .parse()
            .unwrap_or_else(|error| panic!("{OURS}: {error}"));
        let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(ours));
        let set = subscriber.try_init();
        assert!(set.is_ok(), "logs go elsewhere already");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_secret_is_found() {
        let log = "all is well\nconnecting to amqp://u:planted-broker-password@h\nwell again";
        assert!(shown(log).unwrap().starts_with("connecting"));
        assert_eq!(shown("all is well"), None);
    }
}

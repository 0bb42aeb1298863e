//! Keeps a zone's connection up.

use std::{sync::Arc, time::Duration};

use lapin::uri::AMQPUri;
use registrar::{LinkState, Registrar};
use tokio_util::sync::CancellationToken;

use super::{attempts::Attempts, depth, election, link::Link, session::Session};
use crate::{
    dial::Dialer,
    error::SessionError,
    settings::{Access, Settings},
};

/// The time limit for the last acknowledgements; a broker that is short of memory or disk does not
/// read them.
const LAST_ACKS_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps one zone's connection up.
pub(crate) struct Supervisor {
    /// At least one.
    pub(crate) uris: Vec<AMQPUri>,
    pub(crate) access: Access,
    pub(crate) queue: String,
    pub(crate) settings: Settings,
    pub(crate) link: Arc<Link>,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) stop: CancellationToken,
}

/// The state of the connection.
enum State {
    /// There is none; the next attempt comes after `backoff`.
    Disconnected { backoff: Duration },
    /// An attempt is under way.
    Pending,
    /// Deliveries come in.
    Connected(Box<Session>),
}

impl Supervisor {
    /// Connects and consumes, again and again, until told to stop.
    pub(crate) async fn run(self) {
        self.registrar.link(&self.link.zone, LinkState::Connecting);
        let mut attempts = Attempts::new(self.uris.clone(), &self.settings);
        let mut state = State::Pending;
        while let Some(next) = self.advance(state, &mut attempts).await {
            state = next;
        }
        self.set_down("stopping");
    }

    /// Leads to the next state; `None` when told to stop.
    async fn advance(&self, state: State, attempts: &mut Attempts) -> Option<State> {
        let error = match state {
            State::Disconnected { backoff } => {
                let waiting = tokio::time::sleep(backoff);
                self.stop.run_until_cancelled(waiting).await?;
                return Some(State::Pending);
            }
            State::Pending => {
                let opening = self.open(&attempts.uri);
                match self.stop.run_until_cancelled(opening).await? {
                    Ok(session) => {
                        attempts.succeeded(&self.link.zone, &self.queue);
                        return Some(State::Connected(Box::new(session)));
                    }
                    Err(error) => error,
                }
            }
            State::Connected(session) => self.consume(*session).await.err()?,
        };
        self.set_down(&error.to_string());
        let backoff = attempts.failed(&self.link.zone, &error);
        Some(State::Disconnected { backoff })
    }

    async fn open(&self, uri: &AMQPUri) -> Result<Session, SessionError> {
        let dialer = Dialer {
            uri: uri.clone(),
            access: self.access.clone(),
            node: self.settings.node.clone(),
            timeout: self.settings.connect_timeout,
        };
        Session::open(dialer, &self.queue, &self.registrar, &self.settings).await
    }

    /// Consumes until told to stop, or until something fails.
    async fn consume(&self, mut session: Session) -> Result<(), SessionError> {
        let (link, zone) = (&*self.link, &self.link.zone);
        let (connection, parts) = (&session.connection, &mut session.parts);
        link.set_up(Arc::clone(&parts.publisher));
        self.registrar.link(zone, LinkState::Consuming);
        let too_late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ACKS_TIMEOUT).await;
        };
        let (registrar, pulse) = (&self.registrar, &parts.pulse);
        let ended = tokio::select! {
            ended = parts.events.run(zone, registrar, pulse, &self.stop) => ended,
            error = parts.inbox.serve(zone, registrar, &parts.publisher) => Err(error),
            error = pulse.beat(&parts.publisher) => Err(error),
            never = election::stand(connection, link), if self.settings.elect_notifier => {
                match never {}
            }
            never = depth::watch(connection, &self.queue, link) => match never {},
            () = too_late => Ok(()),
        };
        // Before the close, which may take a while: what is published now would be lost.
        match &ended {
            Ok(()) => self.set_down("stopping"),
            Err(error) => self.set_down(&error.to_string()),
        }
        session.close().await;
        ended
    }

    fn set_down(&self, reason: &str) {
        let reason = reason.to_owned();
        self.link.set_down(reason.clone());
        self.registrar
            .link(&self.link.zone, LinkState::Down { reason });
    }
}

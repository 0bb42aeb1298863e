//! Breaking things, and mending them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use lab::{broker::Broker, management::Vhost};
use lapin::{
    Connection, ConnectionProperties, ExchangeKind,
    options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeleteOptions},
    types::FieldTable,
};
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::{
    clock::FakeClock,
    disk::Disk,
    fault::{Kind, Struck},
    proxy::lock,
    relay::{Mode, Relay},
    report::{Recovery, Verdict, say},
    schedule::Planned,
    subject::Subject,
    world::World,
};

/// All that can break.
pub struct Scene {
    /// The broker.
    pub broker: Broker,
    /// Its vhost.
    pub vhost: Vhost,
    /// What stands between it and rollcall.
    pub relay: Relay,
    /// Where the snapshot is.
    pub disk: Disk,
    /// rollcall's clock, if it can be set.
    pub clock: Option<FakeClock>,
    /// rollcall.
    pub subject: Subject,
    /// Proxies and phones.
    pub world: Arc<World>,
    /// What was broken so far.
    pub struck: Struck,
}

impl Scene {
    /// Kinds that can be broken here.
    pub fn kinds(&self) -> Vec<Kind> {
        let can = |kind: &Kind| *kind != Kind::ClockStep || self.clock.is_some();
        Kind::ALL.into_iter().filter(can).collect()
    }

    /// Breaks something, waits, and mends it.
    pub async fn strike(&mut self, planned: &Planned) -> anyhow::Result<()> {
        let at = {
            let mut struck = lock(&self.struck);
            struck.push((Instant::now(), None, planned.kind));
            struck.len() - 1
        };
        let done = self.carry_out(planned).await;
        if let Some((_, until, _)) = lock(&self.struck).get_mut(at) {
            *until = Some(Instant::now());
        }
        done.with_context(|| format!("{} could not be carried out", planned.kind))
    }

    async fn carry_out(&mut self, planned: &Planned) -> anyhow::Result<()> {
        let Planned { lasting, roll, .. } = *planned;
        match planned.kind {
            Kind::BrokerKill => {
                self.broker.kill();
                sleep(lasting).await;
                self.broker.restart().await
            }
            Kind::BrokerPause => {
                self.broker.signal(Signal::SIGSTOP);
                sleep(lasting).await;
                self.broker.signal(Signal::SIGCONT);
                Ok(())
            }
            Kind::ConnectionsClosed => self.vhost.close_connections().await.map(drop),
            Kind::QueueDeleted => self.delete_queue().await,
            Kind::ExchangeLost => self.replace_exchange(false).await,
            Kind::ExchangeRedeclared => {
                self.replace_exchange(true).await?;
                // For rollcall to meet it.
                let closed = self.vhost.close_connections().await;
                sleep(lasting).await;
                self.replace_exchange(false).await?;
                closed.map(drop)
            }
            Kind::MemoryAlarm => self.memory_alarm(lasting).await,
            Kind::TcpReset => self.relay_fails(Mode::Reset, lasting).await,
            Kind::TcpBlackHole => self.relay_fails(Mode::BlackHole, lasting).await,
            Kind::RollcallKill => {
                self.subject.kill();
                sleep(lasting).await;
                self.subject.start().await
            }
            Kind::RollcallTerm => {
                let ended = self.subject.terminate();
                sleep(lasting).await;
                self.subject.start().await.and(ended)
            }
            Kind::SnapshotDiskFull => {
                self.disk.fill()?;
                sleep(lasting).await;
                self.disk.free()
            }
            Kind::SnapshotCorrupt => {
                let garbled = self.disk.garble(roll);
                self.subject.kill();
                sleep(lasting).await;
                self.subject.start().await.and(garbled.map(drop))
            }
            Kind::ClockStep => self.clock_step(lasting, roll).await,
        }
    }

    async fn relay_fails(&self, mode: Mode, lasting: Duration) -> anyhow::Result<()> {
        self.relay.set(mode);
        sleep(lasting).await;
        self.relay.set(Mode::Pass);
        Ok(())
    }

    async fn connect(&self) -> lapin::Result<Connection> {
        Connection::connect(self.vhost.uri(), ConnectionProperties::default()).await
    }

    /// Succeeds as well where there is none: the broker may have forgotten it a moment ago.
    async fn delete_queue(&self) -> anyhow::Result<()> {
        let connection = self.connect().await?;
        let (queue, options) = (self.subject.queue().into(), QueueDeleteOptions::default());
        let channel = connection.create_channel().await?;
        channel.queue_delete(queue, options).await?;
        let _ = connection.close(200, "done".into()).await;
        Ok(())
    }

    async fn memory_alarm(&self, lasting: Duration) -> anyhow::Result<()> {
        let set = ["set_vm_memory_high_watermark", "0"];
        let alarmed = self.broker.ctl(&set).await;
        sleep(lasting).await;
        let unset = ["set_vm_memory_high_watermark", "absolute", "2GB"];
        self.broker.ctl(&unset).await?;
        alarmed.map(drop)
    }

    async fn clock_step(&self, lasting: Duration, roll: u32) -> anyhow::Result<()> {
        let clock = self.clock.as_ref().context("no clock can be set")?;
        let offset = if roll.is_multiple_of(2) { 30 } else { -30 };
        clock.step(offset)?;
        sleep(lasting).await;
        clock.step(0)
    }

    /// Deletes the exchange, bindings and all, and declares it again, with the right flags or as a
    /// durable one. The proxies bind again at once; nobody tells rollcall.
    async fn replace_exchange(&self, durable: bool) -> anyhow::Result<()> {
        let connection = self.connect().await?;
        let channel = connection.create_channel().await?;
        for proxy in &self.world.proxies {
            proxy.lose_bindings();
        }
        let name = "registrar";
        channel
            .exchange_delete(name.into(), ExchangeDeleteOptions::default())
            .await?;
        let options = ExchangeDeclareOptions {
            durable,
            ..ExchangeDeclareOptions::default()
        };
        let declared = channel
            .exchange_declare(
                name.into(),
                ExchangeKind::Topic,
                options,
                FieldTable::default(),
            )
            .await;
        for proxy in &self.world.proxies {
            proxy.bind_again();
        }
        // Somebody may have been quicker to declare it; that is as good.
        if !durable && declared.is_err() {
            return Ok(());
        }
        declared?;
        let _ = connection.close(200, "done".into()).await;
        Ok(())
    }

    /// Mends whatever may be broken still.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        self.broker.signal(Signal::SIGCONT);
        self.relay.set(Mode::Pass);
        self.disk.free()?;
        if let Some(clock) = &self.clock {
            clock.step(0)?;
        }
        if !self.subject.api.stay().is_multiple_of(2) {
            self.subject.start().await?;
        }
        self.subject.check_alive()
    }
}

/// Carries out the plan, each fault at its time or, if the one before took longer, after it.
pub(crate) async fn strike_all(
    plan: &[Planned],
    scene: &mut Scene,
    begun: Instant,
    length: Duration,
    verdict: &mut Verdict,
) {
    let history = Arc::clone(&scene.world.history);
    for (number, planned) in plan.iter().enumerate() {
        sleep((begun + planned.at).saturating_duration_since(Instant::now())).await;
        let started = history.seconds();
        let done = scene.strike(planned).await.and(scene.subject.check_alive());
        let healed = Instant::now();
        say(&format!(
            "{started:7.2} – {:7.2}  {}",
            history.seconds(),
            planned.kind
        ));
        if let Err(error) = done {
            verdict.failures.push(format!("{started:.2} {error:#}"));
        }
        let next = plan.get(number + 1).map_or(length, |next| next.at);
        let ready = ready(scene, healed, begun + next).await;
        verdict.recoveries.push(Recovery {
            kind: planned.kind,
            ready,
        });
    }
    sleep((begun + length).saturating_duration_since(Instant::now())).await;
}

/// How long after `healed` rollcall was ready for good, as far as seen until `until`.
async fn ready(scene: &Scene, healed: Instant, until: Instant) -> Option<Duration> {
    let mut ready = Some(Duration::ZERO);
    loop {
        if !scene.subject.api.is_ready().await {
            ready = None;
        } else if ready.is_none() {
            ready = Some(healed.elapsed());
        }
        if Instant::now() >= until {
            return ready;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

//! Garbage by AMQP.

use std::sync::Arc;

use lab::management::Vhost;
use tokio::time::Instant;

use super::{Flood, Progresses, good::Good};
use crate::{
    dice::Dice,
    proxy::{lock, now},
};

const STREAM: u64 = 10;
/// rollcall's queue is looked at once in so many messages.
const LOOK: u64 = 500;
/// No more wait there.
const DEPTH: u32 = 2_000;

/// Where messages may go.
pub(super) struct Targets {
    /// Keys of questions to rollcall alone, on `targeted`.
    own: Vec<String>,
}

impl Targets {
    pub(super) async fn find(vhost: &Vhost) -> anyhow::Result<Self> {
        Ok(Self {
            own: vhost.keys("targeted").await?,
        })
    }

    /// An exchange and a routing key.
    fn draw(&self, dice: &mut Dice) -> (&'static str, String) {
        let odd = |dice: &mut Dice| {
            let length = dice.index(60);
            let byte = |_| char::from(u8::try_from(dice.within(33..127)).unwrap_or(b'x'));
            (0..length)
                .map(byte)
                .filter(|c| *c != '.')
                .collect::<String>()
        };
        match dice.below(40) {
            0..=3 => match dice.pick(&self.own) {
                Some(key) => ("targeted", key.clone()),
                None => ("registrar", "registration.success.a.b".into()),
            },
            4 => ("registrar", format!("registration.query.{}.*", odd(dice))),
            5 => ("registrar", format!("registration.flush.{}", odd(dice))),
            6 => (
                "registrar",
                format!("registration.success.{}.{}", odd(dice), odd(dice)),
            ),
            _ => (
                "registrar",
                "registration.success.garbage%2Eexample%2Ecom.x".into(),
            ),
        }
    }
}

/// Pours until all is poured or the time is up.
pub(super) async fn pour(
    flood: &Arc<Flood>,
    good: &mut Good,
    progress: &Arc<Progresses>,
    seed: u64,
    until: Option<Instant>,
) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed, STREAM);
    while progress.bodies.part() < 1.0 {
        if progress.bodies.done().is_multiple_of(LOOK) {
            flood.feeder.below(DEPTH).await?;
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(());
            }
        }
        if dice.one_in(20) {
            good.step(&flood.feeder).await?;
        } else {
            let (kind, body) = flood.bodies.next(&mut dice, now() / 1000);
            let (exchange, key) = flood.targets.draw(&mut dice);
            flood.feeder.publish(1, exchange, &key, &body).await?;
            *lock(&flood.counts.kinds).entry(kind).or_default() += 1;
        }
        progress.bodies.step();
    }
    Ok(())
}

//! Phones that do nothing wrong, in the middle of it.

use std::collections::{BTreeMap, BTreeSet};

use lab::rollcall::Rollcall;

use crate::{
    dice::Dice,
    feeder::Feeder,
    fleet::{Phone, account_id, fleet},
    judge::{Bindings, Difference, compare},
    proxy::now,
    truth::Row,
    wire::{Speaker, Status, reg_success, success_key},
};

const STREAM: u64 = 11;
/// How many accounts share the phones.
pub(super) const ACCOUNTS: u32 = 20;
/// None runs out during a flood.
const EXPIRES: u64 = 7200;

/// The phones, and what each last said.
pub(super) struct Good {
    phones: Vec<Phone>,
    contacts: BTreeMap<u32, u32>,
    speaker: Speaker,
    dice: Dice,
    sent: u64,
}

impl Good {
    pub(super) fn new(seed: u64, phones: u32) -> Self {
        Self {
            phones: fleet(phones, ACCOUNTS),
            contacts: BTreeMap::new(),
            speaker: Speaker {
                node: "kamailio@proxy1.flood".into(),
                ip: "203.0.113.1".into(),
            },
            dice: Dice::new(seed, STREAM),
            sent: 0,
        }
    }

    /// All register; returns when rollcall has taken it.
    pub(super) async fn fill(&mut self, feeder: &Feeder) -> anyhow::Result<()> {
        for at in 0..self.phones.len() {
            self.register(feeder, at).await?;
            if at.is_multiple_of(1000) {
                feeder.below(2000).await?;
            }
        }
        feeder.below(0).await
    }

    /// One of them refreshes, with the same contact or another.
    pub(super) async fn step(&mut self, feeder: &Feeder) -> anyhow::Result<()> {
        let at = self.dice.index(self.phones.len());
        self.register(feeder, at).await
    }

    /// How many events.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    async fn register(&mut self, feeder: &Feeder, at: usize) -> anyhow::Result<()> {
        let Some(phone) = self.phones.get(at) else {
            return Ok(());
        };
        let first = !self.contacts.contains_key(&phone.number);
        let contact = self.contacts.entry(phone.number).or_default();
        if self.dice.one_in(3) {
            *contact += 1;
        }
        let seconds = now() / 1000;
        let row = Row {
            contact: phone.contact(*contact),
            call_id: format!("{}@flood", phone.username),
            modified: seconds,
            expires: seconds + EXPIRES,
        };
        let status = Status::Registered { first };
        let body = reg_success(&self.speaker, phone, &row, status, seconds);
        self.sent += 1;
        feeder
            .publish(0, "registrar", &success_key(phone), &body)
            .await
    }

    /// How what rollcall shows of their accounts differs from what they said.
    pub(super) async fn compare(&self, rollcall: &Rollcall) -> anyhow::Result<Vec<Difference>> {
        let contact = |phone: &Phone| {
            let nth = self.contacts.get(&phone.number).copied();
            phone.contact(nth.unwrap_or_default())
        };
        let truth: Bindings = self.phones.iter().map(|p| (p.aor(), contact(p))).collect();
        let mut table = Bindings::new();
        for account in 0..ACCOUNTS {
            let shown = rollcall.bindings(&account_id(account)).await?;
            table.extend(
                shown
                    .into_iter()
                    .map(|binding| (binding.aor, binding.contact)),
            );
        }
        Ok(compare(&truth, &table, &BTreeSet::new()))
    }
}

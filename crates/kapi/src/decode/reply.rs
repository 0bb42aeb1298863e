//! Answers to our questions.

use std::{collections::BTreeSet, fmt};

use registration::Report;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::{
    body::Body, registration::registration, reject::Reject, scalar::Scalar, search::found,
};
use crate::event::{Content, Device, Reply};

/// Reads an answer; `None` if messages of this name are none.
pub(crate) fn reply(name: &str, body: &Body<'_>, text: &str) -> Result<Option<Reply>, Reject> {
    let node = body.node.text();
    let content = match name {
        "search_partial_resp" => Content::Found(found(text, node.as_ref())?),
        "search_resp" => Content::EndOfSearch,
        "reg_query_resp" => registrations(text)?,
        "reg_query_error" => Content::NoRegistrations,
        "authn_resp" => Content::Device(Box::new(device(body))),
        "authn_err" => Content::UnknownDevice,
        _ => return Ok(None),
    };
    Ok(Some(Reply {
        msg_id: body.msg_id.text().ok_or(Reject::Missing("Msg-ID"))?,
        node,
        content,
    }))
}

fn device(body: &Body<'_>) -> Device {
    Device {
        account: body.account_data(),
        suppress_unregister_notify: body.suppress_unregister(),
        register_overwrite_notify: body.register_overwrite(),
    }
}

/// The most registrations, or realms, that are kept of another registrar's answer. Questions ask for
/// fewer at a time.
pub(crate) const MAX_ANSWERS: usize = 200_000;

/// Another registrar's answer.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "Fields", default)]
    records: Records,
    #[serde(borrow, rename = "Count", default)]
    count: Scalar<'a>,
}

/// The records of an answer. There may be many thousands: each becomes a report as soon as it is
/// read, and realms are kept once.
#[derive(Default)]
struct Records {
    reports: Vec<Report>,
    realms: BTreeSet<String>,
    unreadable: usize,
    too_many: bool,
}

impl Records {
    fn add(&mut self, body: &Body<'_>) {
        match (registration(body), body.realm.str()) {
            (Ok(report), _) => self.reports.push(report),
            (Err(_), Some(realm)) if matches!(body.username, Scalar::None) => {
                if !self.realms.contains(&*realm) {
                    self.realms.insert(realm.into_owned());
                }
            }
            (Err(_), _) => self.unreadable += 1,
        }
        self.too_many = self.reports.len().max(self.realms.len()) > MAX_ANSWERS;
    }
}

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordsVisitor;

        impl<'de> Visitor<'de> for RecordsVisitor {
            type Value = Records;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of registrations")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Records, A::Error> {
                let mut records = Records::default();
                while !records.too_many
                    && let Some(body) = seq.next_element::<Body<'de>>()?
                {
                    records.add(&body);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(records)
            }
        }
        deserializer.deserialize_seq(RecordsVisitor)
    }
}

fn registrations(text: &str) -> Result<Content, Reject> {
    let Answer { records, count } = serde_json::from_str(text)?;
    if records.too_many {
        return Err(Reject::TooMany {
            header: "Fields",
            limit: MAX_ANSWERS,
        });
    }
    Ok(Content::Registrations {
        records: records.reports,
        realms: records.realms.into_iter().collect(),
        unreadable: records.unreadable,
        count: count.integer(),
    })
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;

//! What the members of a divided registrar ask each other: `reg_query` with a header `Share`, sent
//! to the members alone.

use std::sync::Arc;

use registration::{AccountId, Registration, Text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    envelope::Identity,
    event::{Query, Reject},
    message::{Kind, encode},
    record::write_record,
};

/// Routing key on the exchange `targeted` that reaches every member's inbox.
pub const MEMBERS_KEY: &str = "rollcall-members";

/// The most realms that a question may name.
const MAX_REALMS: usize = 10_000;

/// Whose registrations, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Of this account,
    pub account: Option<AccountId>,
    /// or of one of these realms; without account and realms, of all.
    pub realms: Vec<Text>,
    /// Only those whose own realm is in these partitions, in hex digits; without any, in all.
    pub partitions: Option<Text>,
    /// What is wanted.
    pub want: Want,
}

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// Which realms the account is known to have.
    #[default]
    Realms,
    /// How many, by partition.
    Count,
    /// The first ones in the order of AORs.
    Records {
        /// From this username and realm on, both lower-cased.
        from: Option<(Text, Text)>,
        /// At most so many.
        limit: usize,
    },
}

/// What a member answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareAnswer<R> {
    /// The partitions that it answers for, in hex digits; none while it is not complete.
    pub partitions: String,
    /// Realms that the account has, for all it knows; `None` if it does not know the account.
    pub realms: Option<Vec<Text>>,
    /// How many there are of each partition, where there are any.
    pub counts: Vec<(u16, u64)>,
    /// There are more records behind these.
    pub more: bool,
    /// Registrations.
    pub records: Vec<R>,
}

// Not derived: records need have no default.
impl<R> Default for ShareAnswer<R> {
    fn default() -> Self {
        Self {
            partitions: String::new(),
            realms: None,
            counts: Vec::new(),
            more: false,
            records: Vec::new(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Text>,
    #[serde(default)]
    realms: Vec<Text>,
    want: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partitions: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<(Text, Text)>,
    #[serde(default)]
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Realms,
    Count,
    Records,
}

#[derive(Serialize)]
struct Question {
    #[serde(rename = "Realm")]
    realm: &'static str,
    #[serde(rename = "Share")]
    share: Wire,
}

/// The body of a question to the members.
pub fn encode_share(share: &Share, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let (want, from, limit) = match &share.want {
        Want::Realms => (Word::Realms, None, 0),
        Want::Count => (Word::Count, None, 0),
        Want::Records { from, limit } => (Word::Records, from.clone(), *limit),
    };
    let share = Wire {
        account: share.account.as_ref().map(|id| id.as_str().into()),
        realms: share.realms.clone(),
        partitions: share.partitions.clone(),
        want,
        from,
        limit,
    };
    let body = Question {
        realm: "all",
        share,
    };
    encode(QUESTION, msg_id, body, identity)
}

const QUESTION: Kind = Kind {
    category: "directory",
    name: "reg_query",
};

/// The header `Share` of a question, if it has one.
pub(crate) fn share(text: &str) -> Result<Option<Box<Share>>, Reject> {
    #[derive(Deserialize)]
    struct Headers {
        #[serde(rename = "Share")]
        share: Option<Wire>,
    }
    if !text.contains("\"Share\"") {
        return Ok(None);
    }
    let headers: Headers = serde_json::from_str(text).map_err(|error| Reject::not_json(&error))?;
    let Some(wire) = headers.share else {
        return Ok(None);
    };
    let account = match &wire.account {
        None => None,
        Some(id) => Some(AccountId::parse(id).map_err(|_| Reject::BadValue {
            header: "Share",
            value: format!("{:?}", id.chars().take(60).collect::<String>()),
            takes: "an account id",
        })?),
    };
    if wire.realms.len() > MAX_REALMS {
        return Err(Reject::TooMany {
            header: "Share",
            limit: MAX_REALMS,
        });
    }
    Ok(Some(Box::new(Share {
        account,
        realms: wire.realms,
        partitions: wire.partitions,
        want: match wire.want {
            Word::Realms => Want::Realms,
            Word::Count => Want::Count,
            Word::Records => Want::Records {
                from: wire.from,
                limit: wire.limit,
            },
        },
    })))
}

/// The header `Share` of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    partitions: String,
    #[serde(default)]
    realms: Option<Vec<Text>>,
    #[serde(default)]
    counts: Vec<(u16, u64)>,
    #[serde(default)]
    more: bool,
}

impl Told {
    /// The answer, but for its records.
    pub(crate) fn answer<R>(self, records: Vec<R>) -> ShareAnswer<R> {
        ShareAnswer {
            partitions: self.partitions,
            realms: self.realms,
            counts: self.counts,
            more: self.more,
            records,
        }
    }
}

#[derive(Serialize)]
struct Reply {
    #[serde(rename = "Share")]
    share: Told,
    #[serde(rename = "Fields")]
    fields: Box<RawValue>,
}

/// The body of the answer to `query`. Records are as in snapshots.
pub fn encode_share_answer(
    query: &Query,
    answer: ShareAnswer<Arc<Registration>>,
    identity: &Identity,
) -> Vec<u8> {
    let mut fields = vec![b'['];
    for (at, record) in answer.records.iter().enumerate() {
        if at > 0 {
            fields.push(b',');
        }
        write_record(record, &mut fields);
    }
    fields.push(b']');
    let fields = String::from_utf8(fields).unwrap_or_default();
    let Ok(fields) = RawValue::from_string(fields) else {
        // What we write is JSON.
        return Vec::new();
    };
    let share = Told {
        partitions: answer.partitions,
        realms: answer.realms,
        counts: answer.counts,
        more: answer.more,
    };
    let kind = Kind {
        category: "directory",
        name: "reg_query_resp",
    };
    encode(kind, &query.msg_id, Reply { share, fields }, identity)
}

#[cfg(test)]
mod tests {
    use registration::Report;

    use super::*;
    use crate::{Content, Event, Limits, decode};

    fn asked(share: &Share) -> Query {
        let identity = Identity::new("rollcall@a").unwrap();
        let body = encode_share(share, "m", &identity);
        match decode(&body, Limits::default()) {
            Ok(Event::Query(query)) => {
                assert_eq!(&*query.reply_to, identity.server_id());
                assert_eq!(query.node.as_deref(), Some("rollcall@a"));
                *query
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_is_read_back() {
        let account = AccountId::parse("4f1c2d3e4f5061728394a5b6c7d8e9f0").unwrap();
        for want in [
            Want::Realms,
            Want::Count,
            Want::Records {
                from: Some(("bob".into(), "a.example.com".into())),
                limit: 7,
            },
        ] {
            for account in [None, Some(account)] {
                let share = Share {
                    account,
                    realms: vec!["a.example.com".into()],
                    partitions: Some("ff".into()),
                    want: want.clone(),
                };
                assert_eq!(*asked(&share).share.unwrap(), share);
            }
        }
    }

    #[test]
    fn one_that_is_garbled_is_refused() {
        for share in [
            "5",
            "{}",
            r#"{"want": "all"}"#,
            r#"{"want": "count", "account": "x"}"#,
        ] {
            let body = format!(
                r#"{{"Event-Category": "directory", "Event-Name": "reg_query", "Realm": "all",
                "Server-ID": "q", "Msg-ID": "m", "Share": {share}}}"#
            );
            assert!(
                decode(body.as_bytes(), Limits::default()).is_err(),
                "{share}"
            );
        }
    }

    #[test]
    fn an_answer_is_read_back() {
        let event = serde_json::json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Username": "bob", "Realm": "a",
            "Contact": "<sip:bob@192.0.2.1>", "Expires": 600, "Event-Timestamp": 1_795_425_485,
        });
        let Ok(Event::Registration(report)) =
            decode(event.to_string().as_bytes(), Limits::default())
        else {
            panic!()
        };
        let zone = registration::Zone::new("west");
        let stored = Registration::from_record(&report, &zone, "nodomain.com", report.time);
        let answer = ShareAnswer {
            partitions: "f0".into(),
            realms: Some(vec!["a".into()]),
            counts: vec![(3, 1)],
            more: true,
            records: vec![Arc::new(stored.clone())],
        };
        let identity = Identity::new("rollcall@b").unwrap();
        let body = encode_share_answer(&asked(&Share::default()), answer.clone(), &identity);
        let Ok(Event::Reply(reply)) = decode(&body, Limits::default()) else {
            panic!()
        };
        let Content::Share(read) = reply.content else {
            panic!("{reply:?}")
        };
        let elsewhere = registration::Zone::new("local");
        let again = |report: &Report| {
            Registration::from_record(report, &elsewhere, "nodomain.com", report.time)
        };
        assert_eq!(read.records.iter().map(again).collect::<Vec<_>>(), [stored]);
        assert_eq!(
            (read.partitions, read.realms, read.counts, read.more),
            (answer.partitions, answer.realms, answer.counts, answer.more)
        );
    }
}

//! Message bodies that nobody should send, made from those that somebody did.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// The most bytes rollcall takes of a body, as it is configured unless told.
pub const LIMIT: usize = 65_536;

/// What is done to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// As it was sent.
    Plain,
    /// A few bits are others.
    BitFlips,
    /// It ends too soon.
    Truncated,
    /// The start of one, the end of another.
    Spliced,
    /// A value is another, often of the wrong type.
    OddValue,
    /// A header is missing, or there twice.
    Headers,
    /// Arrays or objects in each other, thousands of times.
    Nested,
    /// A string of up to the limit, or beyond it.
    Huge,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// JSON, but no object.
    NoObject,
    /// No JSON at all.
    Noise,
    /// A good event of an AOR that nobody has seen before.
    NewAor,
    /// An end of an AOR that nobody has seen before.
    NewEnd,
}

const WEIGHTS: [(u32, Kind); 13] = [
    (40, Kind::Plain),
    (120, Kind::BitFlips),
    (100, Kind::Truncated),
    (100, Kind::Spliced),
    (200, Kind::OddValue),
    (80, Kind::Headers),
    (30, Kind::Nested),
    (5, Kind::Huge),
    (60, Kind::NotUtf8),
    (40, Kind::NoObject),
    (60, Kind::Noise),
    (130, Kind::NewAor),
    (35, Kind::NewEnd),
];

/// Names that mean something to somebody on the way.
pub const NAMES: [&str; 14] = [
    "",
    "*",
    "#",
    "a.b.*",
    "o'x",
    "x' or '1'='1",
    "%",
    "_",
    "../../etc/passwd",
    "a\u{0}b",
    "\u{202e}evil\u{feff}",
    "I\u{307}STANBUL",
    "sip:x@y;fs_path=<sip:z>",
    "<null>",
];

/// The bodies to begin with, and the values in them.
#[derive(Clone, Debug)]
pub struct Bodies {
    seeds: Vec<Vec<u8>>,
    objects: Vec<Map<String, Value>>,
    values: Vec<Value>,
    keys: Vec<String>,
}

impl Bodies {
    /// Every message in `folder`'s files of JSON, wherever it stands in them.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut bodies = Self {
            seeds: Vec::new(),
            objects: Vec::new(),
            values: Vec::new(),
            keys: Vec::new(),
        };
        for part in ["captures", "events", "oracle"] {
            let folder = folder.join(part);
            let listed = fs::read_dir(&folder);
            let listed = listed.with_context(|| format!("cannot read {}", folder.display()))?;
            let mut files: Vec<_> = listed
                .map(|e| e.map(|e| e.path()))
                .collect::<Result<_, _>>()?;
            // For a seed to mean the same everywhere.
            files.sort();
            for file in files {
                let text = fs::read_to_string(&file)?;
                let read = serde_json::from_str(&text);
                bodies.collect(&read.with_context(|| file.display().to_string())?);
            }
        }
        ensure!(!bodies.objects.is_empty(), "there are no messages");
        Ok(bodies)
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(object) if object.contains_key("Event-Name") => {
                self.seeds.push(value.to_string().into_bytes());
                self.values.extend(object.values().cloned());
                self.keys.extend(object.keys().cloned());
                self.objects.push(object.clone());
            }
            Value::Object(object) => {
                object.values().for_each(|value| self.collect(value));
                // Kamailio's JSON is not always JSON, and is sent all the same.
                if let Some(Value::String(body)) = object.get("body") {
                    self.seeds.push(body.clone().into_bytes());
                }
            }
            Value::Array(array) => array.iter().for_each(|value| self.collect(value)),
            Value::String(text) => {
                if let Ok(inner @ Value::Object(_)) = serde_json::from_str(text) {
                    self.collect(&inner);
                }
            }
            _ => {}
        }
    }

    /// The next body, and what was done to it.
    pub fn next(&self, dice: &mut Dice, now: u64) -> (Kind, Vec<u8>) {
        let kind = dice.weighted(&WEIGHTS).unwrap_or(Kind::Plain);
        let body = match kind {
            Kind::Plain => self.seed(dice),
            Kind::BitFlips => flip(self.seed(dice), dice),
            Kind::Truncated => {
                let mut body = self.seed(dice);
                body.truncate(dice.index(body.len()));
                body
            }
            Kind::Spliced => self.splice(dice),
            Kind::OddValue => text(&self.odd(dice, now)),
            Kind::Headers => self.headers(dice),
            Kind::Nested => self.nested(dice),
            Kind::Huge => self.huge(dice),
            Kind::NotUtf8 => not_utf8(self.seed(dice), dice),
            Kind::NoObject => no_object(dice),
            Kind::Noise => {
                let length = dice.index(400);
                dice.bytes(length)
            }
            Kind::NewAor => text(&fresh(dice, now, "Registered")),
            Kind::NewEnd => text(&fresh(dice, now, "Unregistered")),
        };
        (kind, body)
    }

    fn seed(&self, dice: &mut Dice) -> Vec<u8> {
        dice.pick(&self.seeds).cloned().unwrap_or_default()
    }

    fn object(&self, dice: &mut Dice) -> Map<String, Value> {
        dice.pick(&self.objects).cloned().unwrap_or_default()
    }

    fn splice(&self, dice: &mut Dice) -> Vec<u8> {
        let (mut head, tail) = (self.seed(dice), self.seed(dice));
        head.truncate(dice.index(head.len()));
        let from = dice.index(tail.len());
        head.extend(tail.iter().skip(from));
        head
    }

    /// A message in which some values are odd.
    fn odd(&self, dice: &mut Dice, now: u64) -> Map<String, Value> {
        let mut object = self.object(dice);
        for _ in 0..=dice.below(3) {
            let keys: Vec<String> = object.keys().cloned().collect();
            let key = match dice.below(8) {
                0 => dice.pick(&self.keys),
                _ => dice.pick(&keys),
            };
            let Some(key) = key.cloned() else { continue };
            let value = self.value(dice, now);
            object.insert(key, value);
        }
        if dice.one_in(4) {
            let ahead = u64::from(dice.below(200_000));
            let time = if dice.one_in(2) {
                now + ahead
            } else {
                now.saturating_sub(ahead)
            };
            object.insert("Event-Timestamp".into(), time.into());
        }
        object
    }

    fn value(&self, dice: &mut Dice, now: u64) -> Value {
        match dice.below(14) {
            0 => Value::Null,
            1 => json!(dice.one_in(2)),
            2 => json!([]),
            3 => json!({}),
            4 => json!([self.object(dice), null, 1]),
            5 => json!(-1),
            6 => json!(u64::MAX - u64::from(dice.below(3))),
            7 => json!(1e308),
            8 => json!(f64::from(dice.below(1000)) / 7.0),
            9 => json!(dice.below(2) * dice.below(u32::MAX)),
            10 => json!(now.to_string() + "x"),
            11 => json!("\u{1F4DE}é\u{1}".repeat(1 + dice.index(100))),
            12 => json!(dice.pick(&NAMES)),
            _ => dice.pick(&self.values).cloned().unwrap_or_default(),
        }
    }

    fn headers(&self, dice: &mut Dice) -> Vec<u8> {
        let mut object = self.object(dice);
        let keys: Vec<String> = object.keys().cloned().collect();
        let Some(key) = dice.pick(&keys) else {
            return Vec::new();
        };
        if dice.one_in(2) {
            object.remove(key);
            return text(&object);
        }
        let value = dice.pick(&self.values).cloned().unwrap_or_default();
        let twice = format!("{{{}:{value},", Value::from(key.clone()));
        text(&object)
            .strip_prefix(b"{")
            .map(|rest| [twice.as_bytes(), rest].concat())
            .unwrap_or_default()
    }

    fn nested(&self, dice: &mut Dice) -> Vec<u8> {
        let (open, close) = match dice.below(3) {
            0 => ("[", "]"),
            1 => ("{\"a\":", "}"),
            _ => ("[{\"Event-Name\":", "}]"),
        };
        let depth = if dice.one_in(8) {
            dice.index(20_000)
        } else {
            dice.index(300)
        };
        let inside = if dice.one_in(3) { "" } else { "1" };
        // Often nobody closes what was opened.
        let closing = if dice.one_in(2) {
            depth
        } else {
            dice.index(depth)
        };
        let nest = format!("{}{inside}{}", open.repeat(depth), close.repeat(closing));
        if dice.one_in(2) {
            return nest.into_bytes();
        }
        let body = text(&self.object(dice));
        let nest = format!("{{\"Custom-Channel-Vars\":{nest},");
        body.strip_prefix(b"{")
            .map(|rest| [nest.as_bytes(), rest].concat())
            .unwrap_or_default()
    }

    fn huge(&self, dice: &mut Dice) -> Vec<u8> {
        let mut object = self.object(dice);
        let length = match dice.below(4) {
            // The whole then ends just below the limit, or just beyond.
            0 => LIMIT - dice.index(3000),
            1 => 2 * LIMIT + dice.index(LIMIT),
            _ => dice.index(LIMIT),
        };
        let keys: Vec<String> = object.keys().cloned().collect();
        if let Some(key) = dice.pick(&keys) {
            object.insert(key.clone(), Value::from("x".repeat(length)));
        }
        text(&object)
    }
}

fn text(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(object).unwrap_or_default()
}

fn flip(mut body: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(8) {
        let (at, bit) = (dice.index(body.len()), dice.below(8));
        if let Some(byte) = body.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }
    body
}

fn not_utf8(mut body: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    const ODD: [&[u8]; 5] = [
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x28",
    ];
    for _ in 0..=dice.below(3) {
        let at = dice.index(body.len());
        let odd = dice.pick(&ODD).copied().unwrap_or_default();
        body.splice(at..at, odd.iter().copied());
    }
    body
}

fn no_object(dice: &mut Dice) -> Vec<u8> {
    match dice.below(7) {
        0 => b"[]".into(),
        1 => b"null".into(),
        2 => b"\"reg_success\"".into(),
        3 => b"-0.0e-999999".into(),
        4 => b" \t\r\n".into(),
        5 => Vec::new(),
        _ => {
            let mut list = String::from("[");
            for _ in 0..dice.index(5000) {
                // Writing to a String cannot fail.
                let _ = write!(list, "{},", dice.below(10));
            }
            list.push_str("{}]");
            list.into_bytes()
        }
    }
}

/// An event of an AOR of its own; no two are alike.
fn fresh(dice: &mut Dice, now: u64, status: &str) -> Map<String, Value> {
    let username = dice.hex(12);
    let realm = match dice.below(10) {
        0 => format!("{}.garbage.example.com", dice.hex(8)),
        _ => format!("g{}.garbage.example.com", dice.below(50)),
    };
    let account = if dice.one_in(10) {
        dice.hex(32)
    } else {
        format!("{:032x}", 0xbad + dice.below(50))
    };
    let contact = format!(
        "<sip:{username}@198.19.0.1:{};transport=udp>",
        dice.below(65_536)
    );
    let body = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Status": status,
        "Event-Timestamp": now, "Expires": if status == "Registered" { dice.below(4000) } else { 0 },
        "Contact": contact, "Call-ID": dice.hex(20), "Realm": realm, "Username": username,
        "User-Agent": "flood", "Proxy-Path": "sip:203.0.113.9:5060", "App-Name": "kamailio",
        "App-Version": "5.6.3", "Node": "kamailio@garbage", "Msg-ID": dice.hex(32),
        "Custom-Channel-Vars": {"Account-ID": account, "Account-Realm": realm, "Authorizing-ID": dice.hex(32)},
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn bodies() -> Bodies {
        Bodies::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")).unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_and_every_kind_occurs() {
        let bodies = bodies();
        let made = |seed| {
            let mut dice = Dice::new(seed, 0);
            let next = |_| bodies.next(&mut dice, 1_700_000_000);
            (0..3000).map(next).collect::<Vec<_>>()
        };
        let (one, other) = (made(1), made(2));
        assert!(one == made(1) && one != other);
        let kinds: BTreeSet<_> = one.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds.len(), WEIGHTS.len());
        assert!(one.iter().any(|(_, body)| body.len() > LIMIT));
        assert!(
            one.iter()
                .any(|(_, body)| std::str::from_utf8(body).is_err())
        );
    }

    #[test]
    fn new_aors_are_new_and_good() {
        let mut dice = Dice::new(1, 0);
        let events: Vec<_> = (0..100)
            .map(|_| fresh(&mut dice, 1, "Registered"))
            .collect();
        let names: BTreeSet<_> = events.iter().map(|e| e["Username"].to_string()).collect();
        assert_eq!(names.len(), 100);
    }
}

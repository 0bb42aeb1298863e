//! Recognises a refresh without parsing it.
//!
//! Nearly every message repeats the phone's last one: it has the same bytes except for
//! Event-Timestamp, Msg-ID and Server-ID. A [`Scan`] finds those three by their keys, and takes a
//! fingerprint of all other bytes.
//!
//! A scan does not check that the message is JSON, nor which object a key belongs to. That is safe
//! because a fingerprint is only kept after the message was parsed and parsing found the same
//! ([`Scan::is_of`]). Every message with that fingerprint then parses to the same registration,
//! apart from its time.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use registration::{Report, UnixSeconds};

/// What a scan of a `reg_success` message tells without parsing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// SIP username.
    pub username: &'a str,
    /// SIP realm.
    pub realm: &'a str,
    /// Event-Timestamp.
    pub time: UnixSeconds,
    /// Hash of all bytes but the values of Event-Timestamp, Msg-ID and Server-ID.
    pub fingerprint: u64,
    /// The message up to the time.
    before_time: &'a [u8],
}

/// A message has each of Event-Timestamp, Msg-ID and Server-ID once.
const MAX_SKIPPED: usize = 3;

impl<'a> Scan<'a> {
    /// Scans a message; `None` if it must be parsed instead: a name is missing, empty or escaped,
    /// the time is not a plain number or occurs twice, an id is not a plain ASCII string, or there
    /// are more than three of those values.
    ///
    /// `key` keys the fingerprint, so that a peer cannot make two messages with equal ones.
    pub fn of(body: &'a [u8], key: &RandomState) -> Option<Self> {
        let (mut username, mut realm, mut time) = (None, None, None);
        let (mut hasher, mut hashed_to, mut skipped) = (key.build_hasher(), 0, 0);
        for colon in memchr::memchr_iter(b':', body) {
            let (before, after) = body.split_at_checked(colon)?;
            // The letter tells most keys apart, at less cost than comparing them.
            let [.., letter, b'"'] = before else {
                continue;
            };
            let (value, rest) = match letter {
                b'e' if username.is_none() && ends_with_key(before, b"\"Username\"") => {
                    username = Some(name(after)?);
                    continue;
                }
                b'm' if realm.is_none() && ends_with_key(before, b"\"Realm\"") => {
                    realm = Some(name(after)?);
                    continue;
                }
                b'p' if ends_with_key(before, b"\"Event-Timestamp\"") => {
                    if time.is_some() {
                        return None;
                    }
                    let (digits, rest) = number(after)?;
                    time = Some((before, digits));
                    (digits, rest)
                }
                b'D' if ends_with_key(before, b"\"Msg-ID\"")
                    || ends_with_key(before, b"\"Server-ID\"") =>
                {
                    // Plain ASCII: another value of it changes nothing else that is parsed.
                    string(after, |byte| matches!(byte, b' '..=b'~'))?
                }
                _ => continue,
            };
            skipped += 1;
            if skipped > MAX_SKIPPED {
                return None;
            }
            let end = body.len() - rest.len();
            hasher.write(body.get(hashed_to..end - value.len())?);
            hashed_to = end;
        }
        hasher.write(body.get(hashed_to..)?);
        let (before_time, digits) = time?;
        let add = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
        Some(Self {
            username: username?,
            realm: realm?,
            time: UnixSeconds::from_wire(digits.iter().fold(0, add)),
            fingerprint: hasher.finish(),
            before_time,
        })
    }

    /// Whether parsing found what scanning found: only then may the fingerprint be kept.
    ///
    /// The time also has to be the message's own, not that of an object inside it.
    pub fn is_of(&self, report: &Report) -> bool {
        (self.username, self.realm, self.time) == (&*report.username, &*report.realm, report.time)
            && depth_after(self.before_time) == 1
    }
}

/// Whether `text` ends with this key in its quotes, and not with a longer key that holds an escaped
/// quote.
fn ends_with_key(text: &[u8], key: &[u8]) -> bool {
    text.strip_suffix(key)
        .is_some_and(|before| !before.ends_with(b"\\"))
}

/// The value after a colon, and the rest of the message.
fn value(after: &[u8]) -> Option<&[u8]> {
    Some(after.strip_prefix(b":")?.trim_ascii_start())
}

/// The content of the string after a colon, and what follows it; `None` unless all of its bytes are
/// plain and none is escaped.
fn string(after: &[u8], is_plain: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let content = value(after)?.strip_prefix(b"\"")?;
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\') || !is_plain(*byte);
    let (content, rest) = content.split_at_checked(content.iter().position(is_end)?)?;
    rest.starts_with(b"\"").then_some((content, rest))
}

/// The string after a colon, if it is not empty.
fn name(after: &[u8]) -> Option<&str> {
    let (name, _) = string(after, |_| true)?;
    std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.is_empty())
}

/// The digits of the whole number after a colon, and what follows them.
fn number(after: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value(after)?;
    let length = value.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = value.split_at_checked(length)?;
    let is_whole = matches!(rest, [b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r', ..]);
    // JSON numbers have no leading zero; 18 digits always fit.
    let has_leading_zero = length > 1 && digits.starts_with(b"0");
    (is_whole && !has_leading_zero && matches!(length, 1..=18)).then_some((digits, rest))
}

/// How many objects and arrays are open where this beginning of a message ends.
fn depth_after(beginning: &[u8]) -> usize {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    for byte in beginning {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;

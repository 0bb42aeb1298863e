//! A look at a message that does not read it whole: enough to see that it says what another has
//! said, only later.
//!
//! Nearly every message is such a one: a phone registers again, with the same headers. What differs
//! is the time, the message's own id, and which of the sender's processes it was. The rest, byte by
//! byte, makes the fingerprint.
//!
//! Whether it is JSON, and which object a key is of, is of no concern: a message is only taken for
//! one that says the same again if one of its fingerprint was read, and reading told the same as
//! looking ([`Skim::is_of`]).

use std::{
    hash::{BuildHasher, Hasher},
    ops::Range,
};

use registration::{Report, UnixSeconds};

use crate::keys::KeyEnds;

/// A message that was looked at up to where its names are known: what takes time can be begun
/// before the rest is looked at.
pub struct Glance<'a> {
    /// Username.
    pub username: &'a str,
    /// Realm.
    pub realm: &'a str,
    scan: Scan<'a>,
}

/// What a look at a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skim<'a> {
    /// Username.
    pub username: &'a str,
    /// Realm.
    pub realm: &'a str,
    /// Event-Timestamp.
    pub time: UnixSeconds,
    /// Where that stands.
    time_at: usize,
    body: &'a [u8],
    masked: Masked,
}

/// Begins to look at a message. `None` if it takes reading: it has no names, escaped or empty ones,
/// or before them what [`Glance::look`] finds.
pub fn glance(body: &[u8]) -> Option<Glance<'_>> {
    let mut scan = Scan {
        body,
        keys: KeyEnds::of(body),
        username: None,
        realm: None,
        time: None,
        masked: Masked::default(),
    };
    loop {
        if let (Some(username), Some(realm)) = (scan.username, scan.realm) {
            return Some(Glance {
                username,
                realm,
                scan,
            });
        }
        let end = scan.keys.next()?;
        scan.take(end)?;
    }
}

impl<'a> Glance<'a> {
    /// Looks at the rest. `None` if it takes reading: its time is no plain number or there are two,
    /// ids are no plain ASCII strings, or there are more than three of all those.
    pub fn look(mut self) -> Option<Skim<'a>> {
        while let Some(end) = self.scan.keys.next() {
            self.scan.take(end)?;
        }
        let (time_at, time) = self.scan.time?;
        Some(Skim {
            username: self.username,
            realm: self.realm,
            time: UnixSeconds::from_wire(time),
            time_at,
            body: self.scan.body,
            masked: self.scan.masked,
        })
    }
}

impl Skim<'_> {
    /// Of everything but Event-Timestamp, Msg-ID and Server-ID.
    pub fn fingerprint(&self, hasher: &impl BuildHasher) -> u64 {
        let mut hasher = hasher.build_hasher();
        let mut from = 0;
        for masked in self.masked.ranges.iter().take(self.masked.count) {
            hasher.write(self.body.get(from..masked.start).unwrap_or_default());
            from = masked.end;
        }
        hasher.write(self.body.get(from..).unwrap_or_default());
        hasher.finish()
    }

    /// Whether reading the message has told the same. If so, it does for all that have the same
    /// fingerprint: they differ only in what is left out, of which the time alone is read, and that
    /// is the message's own.
    pub fn is_of(&self, report: &Report) -> bool {
        let before = self.body.get(..self.time_at).unwrap_or_default();
        (self.username, self.realm, self.time) == (&*report.username, &*report.realm, report.time)
            && ends_in_message(before)
    }
}

/// Whether what begins with a message goes on in the message itself, and not in an object in it.
fn ends_in_message(begin: &[u8]) -> bool {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    for byte in begin {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth == 1
}

/// Whether a text ends with a key but for its last quote.
fn ends_with_key(text: &[u8], key: &[u8]) -> bool {
    // A quote that is escaped is one within another key.
    let before = text.strip_suffix(key).map(<[u8]>::last);
    before.is_some_and(|before| before != Some(&b'\\'))
}

/// What is left out, from front to back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Masked {
    ranges: [Range<usize>; 3],
    count: usize,
}

impl Masked {
    /// `None` if there are more than three: a message has each of them once.
    fn push(&mut self, range: Range<usize>) -> Option<()> {
        *self.ranges.get_mut(self.count)? = range;
        self.count += 1;
        Some(())
    }
}

/// Where a look has come to.
struct Scan<'a> {
    body: &'a [u8],
    keys: KeyEnds<'a>,
    username: Option<&'a str>,
    realm: Option<&'a str>,
    /// Where it stands, and what it is.
    time: Option<(usize, u64)>,
    masked: Masked,
}

impl<'a> Scan<'a> {
    /// Takes what the member tells whose key ends there.
    #[inline]
    fn take(&mut self, end: usize) -> Option<()> {
        let text = self.body.get(..end)?;
        match text.last()? {
            b'e' if self.username.is_none() && ends_with_key(text, b"\"Username") => {
                self.username = Some(self.name(end)?);
                Some(())
            }
            b'm' if self.realm.is_none() && ends_with_key(text, b"\"Realm") => {
                self.realm = Some(self.name(end)?);
                Some(())
            }
            b'p' if ends_with_key(text, b"\"Event-Timestamp") => {
                // Of two that are left out, the fingerprint would not tell which one counts.
                let is_first = self.time.is_none();
                self.time = Some(self.masked_number(end)?);
                is_first.then_some(())
            }
            b'D' if ends_with_key(text, b"\"Msg-ID") || ends_with_key(text, b"\"Server-ID") => {
                self.masked_string(end)
            }
            _ => Some(()),
        }
    }

    /// Where the value begins of a key that ends there.
    fn value(&self, end: usize) -> Option<usize> {
        let begin = end + 2;
        let is_value = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let spaces = self.body.get(begin..)?.iter().position(is_value)?;
        Some(begin + spaces)
    }

    /// Where a string is, up to the first byte that is not `plain`; `None` if that is not its end.
    fn string(&self, end: usize, plain: impl Fn(u8) -> bool) -> Option<Range<usize>> {
        let quote = self.value(end)?;
        let (b'"', rest) = self.body.get(quote..)?.split_first()? else {
            return None;
        };
        let length = rest.iter().position(|byte| !plain(*byte))?;
        let string = quote + 1..quote + 1 + length;
        (rest.get(length) == Some(&b'"')).then_some(string)
    }

    fn name(&self, end: usize) -> Option<&'a str> {
        let name = self.string(end, |byte| !matches!(byte, b'"' | b'\\'))?;
        let name = std::str::from_utf8(self.body.get(name)?).ok();
        name.filter(|name| !name.is_empty())
    }

    /// A whole number that is left out, and where it stands.
    fn masked_number(&mut self, end: usize) -> Option<(usize, u64)> {
        let begin = self.value(end)?;
        let rest = self.body.get(begin..)?;
        let length = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, behind) = rest.split_at_checked(length)?;
        let is_whole = matches!(behind, [b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r', ..]);
        if !is_whole || !matches!(digits.len(), 1..=18) {
            return None;
        }
        // JSON has no zeros in front.
        if digits.len() > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.masked.push(begin..begin + length)?;
        let number = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
        Some((begin, digits.iter().fold(0, number)))
    }

    /// A string that is left out: one that is sound whatever it says.
    fn masked_string(&mut self, end: usize) -> Option<()> {
        let plain = |byte| matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~');
        let string = self.string(end, plain)?;
        self.masked.push(string)
    }
}

#[cfg(test)]
#[path = "skim_tests.rs"]
mod tests;

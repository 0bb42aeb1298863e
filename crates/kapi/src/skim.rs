//! A look at a message that does not read it whole: enough to see that it says what another has
//! said, only later.
//!
//! Nearly every message is such a one: a phone registers again, with the same headers. What differs
//! is the time, the message's own id, and which of the sender's processes it was. The rest, byte by
//! byte, makes the fingerprint.

use std::hash::{BuildHasher, Hasher};

use memchr::{memchr2, memchr3};
use registration::UnixSeconds;

/// What a look at a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skim<'a> {
    /// Username.
    pub username: &'a str,
    /// Realm.
    pub realm: &'a str,
    /// Event-Timestamp.
    pub time: UnixSeconds,
    /// Of everything but Event-Timestamp, Msg-ID and Server-ID.
    pub fingerprint: u64,
}

/// Looks at a message. `None` if it takes reading: it is no object, names are escaped, the time is
/// no plain number. Nothing is said of whether it is sound: it is, if another of the same
/// fingerprint is.
pub fn skim<'a>(body: &'a [u8], hasher: &impl BuildHasher) -> Option<Skim<'a>> {
    let mut scan = Scan {
        body,
        at: 0,
        told_to: 0,
        hasher: hasher.build_hasher(),
    };
    let (mut username, mut realm, mut time) = (None, None, None);
    scan.expect(b'{')?;
    loop {
        scan.expect(b'"')?;
        let key = scan.plain_string()?;
        scan.expect(b':')?;
        match key {
            b"Event-Timestamp" => time = Some(scan.masked_number()?),
            b"Msg-ID" | b"Server-ID" => scan.masked_string()?,
            b"Username" => username = Some(scan.name()?),
            b"Realm" => realm = Some(scan.name()?),
            _ => scan.value()?,
        }
        match scan.token()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    if scan.token().is_some() {
        return None;
    }
    Some(Skim {
        username: username?,
        realm: realm?,
        time: UnixSeconds::from_wire(time?),
        fingerprint: scan.finish(),
    })
}

/// Where a look has come to.
struct Scan<'a, H> {
    body: &'a [u8],
    at: usize,
    /// What comes before is hashed, or is to be left out.
    told_to: usize,
    hasher: H,
}

impl<'a, H: Hasher> Scan<'a, H> {
    fn rest(&self) -> Option<&'a [u8]> {
        self.body.get(self.at..)
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.body.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.token()? == wanted).then_some(())
    }

    /// The rest of a string without escapes.
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest()?;
        let end = memchr2(b'"', b'\\', rest)?;
        self.at += end + 1;
        (rest.get(end) == Some(&b'"')).then(|| rest.get(..end))?
    }

    /// Passes over the rest of a string.
    fn string(&mut self) -> Option<()> {
        loop {
            let rest = self.rest()?;
            let end = memchr2(b'"', b'\\', rest)?;
            self.at += end + 1;
            if rest.get(end) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    /// Passes over the rest of an object.
    fn object(&mut self) -> Option<()> {
        let mut depth = 1_u32;
        while depth > 0 {
            let rest = self.rest()?;
            let next = memchr3(b'"', b'{', b'}', rest)?;
            self.at += next + 1;
            match rest.get(next) {
                Some(b'"') => self.string()?,
                Some(b'{') => depth += 1,
                _ => depth -= 1,
            }
        }
        Some(())
    }

    /// Passes over a value.
    fn value(&mut self) -> Option<()> {
        match self.token()? {
            b'"' => self.string(),
            b'{' => self.object(),
            b'[' => None,
            _ => {
                let end = |byte: &u8| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
                self.at += self.rest()?.iter().position(end)?;
                Some(())
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let name = self.plain_string()?;
        std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())
    }

    /// A whole number that is left out.
    fn masked_number(&mut self) -> Option<u64> {
        self.token()?;
        self.at -= 1;
        self.tell();
        let rest = self.rest()?;
        let length = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let digits = rest
            .get(..length)
            .filter(|digits| matches!(digits.len(), 1..=18))?;
        // JSON has no zeros in front.
        if digits.len() > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.at += length;
        self.told_to = self.at;
        let number = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
        Some(digits.iter().fold(0, number))
    }

    /// A string that is left out: one that is sound whatever it says.
    fn masked_string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.tell();
        let string = self.plain_string()?;
        // The quote behind it is told again.
        self.told_to = self.at - 1;
        string
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~'))
            .then_some(())
    }

    /// Hashes what was passed over.
    fn tell(&mut self) {
        if let Some(passed) = self.body.get(self.told_to..self.at) {
            self.hasher.write(passed);
        }
        self.told_to = self.at;
    }

    fn finish(mut self) -> u64 {
        self.at = self.body.len();
        self.tell();
        self.hasher.finish()
    }
}

#[cfg(test)]
#[path = "skim_tests.rs"]
mod tests;

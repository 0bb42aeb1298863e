//! Writes JSON objects member by member, straight into a buffer.

use std::fmt;

use serde::Serialize;

/// A member's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A flag.
    Bool(bool),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

/// One JSON object that is being appended to a buffer.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    begin: usize,
}

impl<'a> Object<'a> {
    /// Begins an object.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        let begin = out.len();
        Self { out, begin }
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        // Each member was written with a comma before it.
        match self.out.get_mut(self.begin) {
            Some(first) => *first = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }

    /// Appends a member; `key` is its key as it is written: `,"key":`.
    pub(crate) fn member(&mut self, key: &'static str, value: Value<'_>) {
        self.out.extend_from_slice(key.as_bytes());
        match value {
            Value::Text(text) => write_text(text, self.out),
            Value::Number(number) => write_serialized(&number, self.out),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
        }
    }

    /// Appends a string under a key that needs no escapes.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        write_text(text, self.key(key));
    }

    /// Appends a string, if there is one.
    pub(crate) fn maybe(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Appends a number, or another value that always serialises.
    pub(crate) fn value(&mut self, key: &str, value: &impl Serialize) {
        write_serialized(value, self.key(key));
    }

    /// Appends an array; `write` appends an item.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        write: impl Fn(T, &mut Vec<u8>),
    ) {
        let out = self.key(key);
        out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write(item, out);
        }
        out.push(b']');
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if !is_plain(text.as_bytes()) {
        return write_serialized(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether a text needs no escapes. Looks at all bytes, so that the compiler can compare many at once.
fn is_plain(text: &[u8]) -> bool {
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    text.iter()
        .fold(true, |is_plain, byte| is_plain & !needs_escape(*byte))
}

fn write_serialized(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_json_has_it(text in ".*", end in any::<char>()) {
            let text = format!("{text}{end}");
            let mut out = Vec::new();
            write_text(&text, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn escapes_are_found_at_every_place() {
        for at in 0..40 {
            for odd in ["\"", "\\", "\0", "\u{1f}", "\u{7f}", "é"] {
                let mut text = "a".repeat(40);
                text.replace_range(at..=at, odd);
                let mut out = Vec::new();
                write_text(&text, &mut out);
                let out = String::from_utf8(out).unwrap();
                assert_eq!(out, serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn an_object_is_written_member_by_member() {
        let mut out = b"[".to_vec();
        let mut object = Object::begin(&mut out);
        object.maybe("a", Some("b"));
        object.maybe("c", None);
        object.list("d", [1, 2].iter(), write_serialized);
        object.member(",\"e\":", Value::Bool(true));
        object.value("f", &3);
        object.end();
        Object::begin(&mut out).end();
        assert_eq!(out, br#"[{"a":"b","d":[1,2],"e":true,"f":3}{}"#);
    }
}

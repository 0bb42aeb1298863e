//! Scalars as Kazoo's many senders write them: numbers as strings, booleans as strings, nulls.

use std::{borrow::Cow, fmt};

use registration::Text;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::reject::Reject;

/// A header's value, in any spelling.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// Absent or `null`.
    #[default]
    None,
    /// A string.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, or one too large for [`Scalar::Int`].
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// An array or object, which no header takes.
    Compound,
}

impl Scalar<'_> {
    /// As a string; a number counts as its digits (a username may be sent as 1001).
    pub(crate) fn str(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// As a string that is not empty.
    pub(crate) fn text(&self) -> Option<Text> {
        let text = self.str().filter(|text| !text.is_empty())?;
        Some(Text::from(&*text))
    }

    /// As the value of a header that must have one.
    pub(crate) fn required(&self, header: &'static str) -> Result<Text, Reject> {
        self.present(header)?
            .text()
            .ok_or_else(|| self.bad(header, "text that is not empty"))
    }

    /// Refuses a message without this header.
    pub(crate) fn present(&self, header: &'static str) -> Result<&Self, Reject> {
        if matches!(self, Self::None) {
            return Err(Reject::Missing(header));
        }
        Ok(self)
    }

    /// The error that this header takes other values.
    pub(crate) fn bad(&self, header: &'static str, takes: &'static str) -> Reject {
        Reject::BadValue {
            header,
            value: self.to_string(),
            takes,
        }
    }

    /// As a whole number: digits in a string count, a fraction is rounded, as Kazoo does.
    pub(crate) fn integer<T: TryFrom<i64>>(&self) -> Option<T> {
        let number = match self {
            Self::Int(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            // i64 holds every whole f64 in this range exactly.
            #[expect(clippy::cast_possible_truncation, reason = "in range")]
            Self::Float(number) if number.round().abs() < 9e15 => number.round() as i64,
            _ => return None,
        };
        T::try_from(number).ok()
    }

    /// As a flag; the strings `"true"` and `"false"` count.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("null"),
            Self::Text(text) => write!(f, "{:?}", text.chars().take(60).collect::<String>()),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Compound => f.write_str("an array or object"),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Int(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                #[expect(clippy::cast_precision_loss, reason = "only shown as too large")]
                Ok(i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Int))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(number))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Compound)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Compound)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

//! Scalars as Kazoo's many senders write them: numbers as strings, booleans as strings, nulls.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A JSON value read as far as a header can use it.
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
    /// An array or object, where none belongs.
    Compound,
}

impl Scalar<'_> {
    /// As text, where it is any: a number counts as its digits (a username may be sent as 1001).
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// As a whole number: digits in a string count, a fraction is rounded, as Kazoo does.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Float(number) => {
                let rounded = number.round();
                // i64 holds every whole f64 in this range exactly.
                #[expect(clippy::cast_possible_truncation, reason = "bounded on the line above")]
                (rounded.abs() < 9e15).then_some(rounded as i64)
            }
            _ => None,
        }
    }

    /// As a truth value: `"true"` and `"false"` count.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Whether nothing was said.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
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
                #[expect(clippy::cast_precision_loss, reason = "only told to be too large")]
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

/// Reads `T` from an object; anything else (the string `"{}"` that Kamailio sends for an empty
/// one, `null`) counts as an object with nothing in it.
pub(crate) fn object_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    struct ObjectVisitor<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map))
        }
        fn visit_str<E>(self, _: &str) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_unit<E>(self) -> Result<T, E> {
            Ok(T::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(T::default())
        }
    }
    deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
}

/// The items of an array, as far as they are kept: in memory each may be a hundred times what it is
/// in a body.
#[derive(Debug)]
pub(crate) struct Bounded<T, const LIMIT: usize> {
    /// The first of them.
    pub(crate) kept: Vec<T>,
    /// Whether there were more.
    pub(crate) too_many: bool,
}

impl<T, const LIMIT: usize> Default for Bounded<T, LIMIT> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            too_many: false,
        }
    }
}

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Bounded<T, LIMIT> {
    fn read<A: SeqAccess<'de>>(
        mut seq: A,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<Self, A::Error> {
        let mut items = Self::default();
        while let Some(item) = seq.next_element()? {
            if !is_wanted(&item) {
                continue;
            }
            if items.kept.len() == LIMIT {
                items.too_many = true;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            items.kept.push(item);
        }
        Ok(items)
    }
}

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Deserialize<'de> for Bounded<T, LIMIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BoundedVisitor<T, const LIMIT: usize>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for BoundedVisitor<T, LIMIT> {
            type Value = Bounded<T, LIMIT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Bounded::read(seq, |_| true)
            }
        }
        deserializer.deserialize_seq(BoundedVisitor(std::marker::PhantomData))
    }
}

/// Scalars of an array.
pub(crate) type Scalars<'a, const LIMIT: usize> = Bounded<Scalar<'a>, LIMIT>;

/// Reads an array's scalars, and passes over arrays and objects in it; anything else counts as an
/// empty one.
pub(crate) fn array_or_default<'de: 'a, 'a, D: Deserializer<'de>, const LIMIT: usize>(
    deserializer: D,
) -> Result<Scalars<'a, LIMIT>, D::Error> {
    struct ArrayVisitor<'a, const LIMIT: usize>(std::marker::PhantomData<Scalar<'a>>);

    impl<'de: 'a, 'a, const LIMIT: usize> Visitor<'de> for ArrayVisitor<'a, LIMIT> {
        type Value = Scalars<'a, LIMIT>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Bounded::read(seq, |scalar| *scalar != Scalar::Compound)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Scalars::default())
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Scalars::default())
        }
    }
    deserializer.deserialize_any(ArrayVisitor(std::marker::PhantomData))
}

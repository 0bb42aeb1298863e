//! Objects and lists in a message, where senders may write something else, or too much.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::scalar::Scalar;

/// The first items of an array. In memory an item may take a hundred times its size in the message.
#[derive(Debug)]
pub(crate) struct Bounded<T, const LIMIT: usize> {
    /// The first items.
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
    fn read<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut items = Self::default();
        while items.kept.len() < LIMIT
            && let Some(item) = seq.next_element()?
        {
            items.kept.push(item);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            items.too_many = true;
        }
        Ok(items)
    }
}

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Deserialize<'de> for Bounded<T, LIMIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BoundedVisitor<T, const LIMIT: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for BoundedVisitor<T, LIMIT> {
            type Value = Bounded<T, LIMIT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Bounded::read(seq)
            }
        }
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

/// Scalars of an array.
pub(crate) type Scalars<'a, const LIMIT: usize> = Bounded<Scalar<'a>, LIMIT>;

/// Implements the visits of scalars, and of `null`: each counts as the default.
macro_rules! scalars_are_default {
    () => {
        scalars_are_default!(
            visit_str(&str), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_bool(bool)
        );
    };
    ($($visit:ident($scalar:ty)),*) => {
        $(fn $visit<E>(self, _: $scalar) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Reads an object; anything else counts as an empty one (Kamailio sends the string `"{}"`).
pub(crate) fn object_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(T::default())
        }
        scalars_are_default!();
    }
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// Reads an array's scalars; anything else counts as an empty array.
pub(crate) fn array_or_default<'de: 'a, 'a, D: Deserializer<'de>, const LIMIT: usize>(
    deserializer: D,
) -> Result<Scalars<'a, LIMIT>, D::Error> {
    struct ArrayVisitor<'a, const LIMIT: usize>(PhantomData<Scalar<'a>>);

    impl<'de: 'a, 'a, const LIMIT: usize> Visitor<'de> for ArrayVisitor<'a, LIMIT> {
        type Value = Scalars<'a, LIMIT>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Bounded::read(seq)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Scalars::default())
        }
        scalars_are_default!();
    }
    deserializer.deserialize_any(ArrayVisitor(PhantomData))
}

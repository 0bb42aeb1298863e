//! What a list of registrations holds, to tell whether another holds the same.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    held::Held,
    shared::{Gear, Owner},
};

/// Hands on bytes that are the same for lists that hold the same in the same order, and differ for
/// any others. Takes far less than writing the lists.
pub fn content_of(found: &[Held], mut take: impl FnMut(&[u8])) {
    // What is shared is told once, and after that by its number.
    let (mut owners, mut gears) = (HashMap::new(), HashMap::new());
    let mut bytes = Vec::with_capacity(256);
    for held in found {
        bytes.clear();
        let (slot, times) = (held.slot(), held.times());
        for number in [times.initial, times.last, times.expires] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        number(&mut owners, slot.owner(), &mut bytes, Owner::write);
        number(&mut gears, slot.gear(), &mut bytes, Gear::write);
        let own = slot.packed();
        bytes.extend_from_slice(&u32::try_from(own.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(own);
        take(&bytes);
    }
}

/// Appends the number of what is shared; the first time, what it is too.
fn number<T>(
    known: &mut HashMap<*const T, u32>,
    shared: &Arc<T>,
    out: &mut Vec<u8>,
    write: impl FnOnce(&T, &mut Vec<u8>),
) {
    let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let number = *known.entry(Arc::as_ptr(shared)).or_insert(next);
    out.extend_from_slice(&number.to_le_bytes());
    if number == next {
        write(shared, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use registration::Registration;

    use super::*;
    use crate::{
        packed::tests::registration,
        slot::{Making, Slot, Stay},
    };

    /// One that is in no table.
    fn apart(registration: &Registration) -> Held {
        Held::new(Slot::live(
            registration,
            Making {
                stay: Stay::of(0),
                owner: Arc::new(Owner::of(registration)),
                gear: Arc::new(Gear::of(registration)),
                fingerprint: 0,
                ledger: None,
            },
        ))
    }

    fn content(found: &[Held]) -> Vec<u8> {
        let mut content = Vec::new();
        content_of(found, |bytes| content.extend_from_slice(bytes));
        content
    }

    proptest! {
        #[test]
        fn contents_are_the_same_where_the_lists_are(
            each in prop::collection::vec(registration(), 2),
            one in prop::collection::vec(0..2_usize, 0..3),
            other in prop::collection::vec(0..2_usize, 0..3),
            changed in 0..5_u8,
        ) {
            let mut lists = [one, other].map(|list| {
                let each = list.iter().map(|at| apart(&each[*at]));
                each.collect::<Vec<_>>()
            });
            if let [[.., last], _] = lists.each_mut().map(Vec::as_mut_slice) {
                let mut registration = last.registration();
                match changed {
                    0 => registration.expires = registration.expires.wrapping_add(1),
                    1 => registration.zone = registration::Zone::new("elsewhere"),
                    2 => registration.account.name = Some("Another".into()),
                    3 => registration.call_id = Some("another".into()),
                    _ => {}
                }
                *last = apart(&registration);
            }
            let [one, other] = lists;
            let all = |list: &[Held]| list.iter().map(Held::registration).collect::<Vec<_>>();
            prop_assert_eq!(content(&one) == content(&other), all(&one) == all(&other));
        }
    }
}

//! The slots of a group, by stay: few in a row, many in a hash table.

use hashbrown::HashTable;

use crate::slot::{Slot, Stay};

/// As many as are looked through one by one.
const FEW: usize = 32;

/// Slots, by stay.
pub(crate) enum Slots {
    Few(Vec<Slot>),
    Many(HashTable<Slot>),
}

impl Default for Slots {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Stays are numbered one after the other: their low bits differ, and a table goes by the high ones
/// too.
fn spread(stay: Stay) -> u64 {
    stay.number().wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn hash(slot: &Slot) -> u64 {
    spread(slot.stay())
}

fn is_of(stay: Stay) -> impl Fn(&Slot) -> bool {
    move |slot| slot.stay().number() == stay.number()
}

impl Slots {
    /// Puts a slot in the place of the one of its stay, if that is there.
    pub(crate) fn replace(&mut self, slot: Slot) {
        let stay = slot.stay();
        let there = match self {
            Self::Few(few) => few.iter_mut().find(|there| is_of(stay)(there)),
            Self::Many(many) => many.find_mut(spread(stay), is_of(stay)),
        };
        match there {
            Some(there) => *there = slot,
            None => self.add(slot),
        }
    }

    /// Adds a slot whose stay is not there: none of the others is looked at.
    pub(crate) fn add(&mut self, slot: Slot) {
        match self {
            Self::Few(few) if few.len() < FEW => {
                // Most groups are small and stay as they are.
                if few.len() == few.capacity() {
                    few.reserve_exact(4);
                }
                few.push(slot);
            }
            Self::Few(few) => {
                let mut many = HashTable::with_capacity(2 * FEW);
                for slot in few.drain(..).chain([slot]) {
                    many.insert_unique(hash(&slot), slot, hash);
                }
                *self = Self::Many(many);
            }
            Self::Many(many) => drop(many.insert_unique(hash(&slot), slot, hash)),
        }
    }

    /// Takes the slot of a stay out.
    pub(crate) fn remove(&mut self, stay: Stay) {
        match self {
            Self::Few(few) => {
                if let Some(at) = few.iter().position(is_of(stay)) {
                    few.swap_remove(at);
                }
            }
            Self::Many(many) => {
                if let Ok(there) = many.find_entry(spread(stay), is_of(stay)) {
                    there.remove();
                }
                if many.len() <= FEW / 2 {
                    *self = Self::Few(std::mem::take(many).into_iter().collect());
                } else if many.len() * 8 < many.capacity() {
                    many.shrink_to(many.len() * 2, hash);
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    /// Shows all of them to `show`.
    pub(crate) fn each(&self, show: impl FnMut(&Slot)) {
        match self {
            Self::Few(few) => few.iter().for_each(show),
            Self::Many(many) => many.iter().for_each(show),
        }
    }
}

//! The texts of one phone in one allocation.

use registration::Text;
use serde::{Deserialize, Serialize};

/// The texts that are a phone's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Username,
    OriginalContact,
    Contact,
    PreviousContact,
    CallId,
    FromUser,
    ToUser,
    SourceIp,
    SourcePort,
    NetworkIp,
    NetworkPort,
    AuthorizingId,
    OwnerId,
    PresenceId,
}

const FIELD_COUNT: usize = Field::PresenceId as usize + 1;

/// Where a text stands: its first byte, and its length.
type Span = (u32, u32);

/// Of a field that has no text.
const ABSENT: Span = (u32::MAX, 0);

/// Texts by field. A text that stands within another (a contact's user, a contact without brackets)
/// takes no bytes of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Texts<T = Box<str>> {
    text: T,
    spans: [Span; FIELD_COUNT],
}

impl Texts {
    /// Joins texts. No message is as long as 4 GiB, so that all spans fit.
    pub(super) fn of(texts: &[(Field, Option<&Text>); FIELD_COUNT]) -> Self {
        let mut text = String::with_capacity(256);
        let mut spans = [ABSENT; FIELD_COUNT];
        for (field, value) in texts {
            let Some(value) = value else { continue };
            let start = text.find(&**value as &str).unwrap_or_else(|| {
                text.push_str(value);
                text.len() - value.len()
            });
            if let Some(span) = spans.get_mut(*field as usize)
                && let (Ok(start), Ok(length)) = (start.try_into(), value.len().try_into())
            {
                *span = (start, length);
            }
        }
        Self {
            text: text.into_boxed_str(),
            spans,
        }
    }

    pub(super) fn borrowed(&self) -> Texts<&str> {
        Texts {
            text: &self.text,
            spans: self.spans,
        }
    }

    /// The text of a field, if it has one.
    pub(super) fn get(&self, field: Field) -> Option<&str> {
        let (start, length) = self.spans.get(field as usize)?;
        let start = usize::try_from(*start).ok()?;
        let length = usize::try_from(*length).ok()?;
        self.text.get(start..start.checked_add(length)?)
    }

    /// The text of a field that always has one.
    pub(super) fn required(&self, field: Field) -> &str {
        self.get(field).unwrap_or_default()
    }
}

//! Crossbar's filters: which registrations of a list are wanted.

use kapi::{HTTP_FIELDS, Spelling, Value, visit_fields};
use registration::View;

use crate::{error::ApiError, query::Params};

/// What a condition asks of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// `filter_KEY=V`
    Is(String),
    /// `filter_not_KEY=V`
    IsNot(String),
    /// `has_key=KEY`
    There,
    /// `key_missing=KEY`
    Missing,
    /// `has_value=KEY`
    Filled,
    /// `missing_value=KEY`
    Empty,
}

#[derive(Clone, Debug)]
struct Condition {
    field: String,
    wanted: Wanted,
}

/// Conditions that all have to hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters(Vec<Condition>);

/// More than this in one request nobody means.
const MAX_CONDITIONS: usize = 32;

impl Filters {
    /// Reads the conditions among a request's parameters.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        let mut conditions = Vec::new();
        for (key, value) in params.all() {
            let whole = |wanted| (value.to_owned(), wanted);
            let (field, wanted) = match key {
                "has_key" => whole(Wanted::There),
                "key_missing" => whole(Wanted::Missing),
                "has_value" => whole(Wanted::Filled),
                "missing_value" => whole(Wanted::Empty),
                _ => {
                    let Some(rest) = key.strip_prefix("filter_") else {
                        continue;
                    };
                    match rest.strip_prefix("not_") {
                        Some(field) => (field.to_owned(), Wanted::IsNot(value.to_owned())),
                        None => (rest.to_owned(), Wanted::Is(value.to_owned())),
                    }
                }
            };
            conditions.push(Condition { field, wanted });
        }
        if conditions.len() > MAX_CONDITIONS {
            return Err(ApiError::Parse {
                parameter: "filter",
                got: format!("{} conditions", conditions.len()),
                takes: "at most 32 conditions",
            });
        }
        Ok(Self(conditions))
    }

    /// Whether there is nothing to hold.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all hold.
    pub(crate) fn admit(&self, registration: &View<'_>) -> bool {
        self.0.iter().all(|condition| condition.holds(registration))
    }
}

impl Condition {
    fn holds(&self, registration: &View<'_>) -> bool {
        let mut holds = match self.wanted {
            // Of a field that is not there.
            Wanted::Is(_) | Wanted::There | Wanted::Filled => false,
            Wanted::IsNot(_) | Wanted::Missing | Wanted::Empty => true,
        };
        if HTTP_FIELDS.contains(&self.field.as_str()) {
            visit_fields(registration, Spelling::Http, |field, value| {
                if field.name == self.field {
                    holds = self.holds_for(value);
                }
            });
        }
        holds
    }

    fn holds_for(&self, value: Value<'_>) -> bool {
        let is = |text: &str| match value {
            Value::Text(own) => own == text,
            other => other.to_string() == text,
        };
        let is_filled = !matches!(value, Value::Text(""));
        match &self.wanted {
            Wanted::Is(text) => is(text),
            Wanted::IsNot(text) => !is(text),
            Wanted::There => true,
            Wanted::Missing => false,
            Wanted::Filled => is_filled,
            Wanted::Empty => !is_filled,
        }
    }
}

//! Crossbar's filters.

use kapi::{HTTP_FIELDS, Spelling, Value, visit_fields};
use registration::View;

use crate::{error::ApiError, extract::Params};

/// The test that a condition puts a field to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// `filter_KEY=V`
    Is(String),
    /// `filter_not_KEY=V`
    IsNot(String),
    /// `has_key=KEY`
    Present,
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

/// The most conditions of one request.
const MAX_CONDITIONS: usize = 32;

impl Filters {
    /// Reads the conditions among a request's parameters.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        let mut conditions = Vec::new();
        for (key, value) in params.all() {
            let whole = |wanted| (value.to_owned(), wanted);
            let (field, wanted) = match key {
                "has_key" => whole(Wanted::Present),
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
            let got = format!("{} conditions", conditions.len());
            let takes = "at most 32 conditions";
            return Err(ApiError::bad_parameter("filter", &got, takes));
        }
        Ok(Self(conditions))
    }

    /// Whether there are no conditions.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all conditions hold.
    pub(crate) fn admit(&self, registration: &View<'_>) -> bool {
        self.0.iter().all(|condition| condition.holds(registration))
    }
}

impl Condition {
    fn holds(&self, registration: &View<'_>) -> bool {
        let mut holds = match self.wanted {
            // Of an absent field.
            Wanted::Is(_) | Wanted::Present | Wanted::Filled => false,
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
            Wanted::Present => true,
            Wanted::Missing => false,
            Wanted::Filled => is_filled,
            Wanted::Empty => !is_filled,
        }
    }
}

//! Settings as dotted keys from a file and the environment, read one by one. Whatever is wrong is
//! collected, so that one start tells all of it.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use toml::Value;

/// Where a value stands.
#[derive(Clone, Debug)]
enum Origin {
    File,
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the configuration file"),
            Self::Environment(variable) => f.write_str(variable),
        }
    }
}

/// Variables of other programs of the project, and the one that names the file.
const NOT_SETTINGS: [&str; 2] = ["ROLLCALL_CONFIG", "ROLLCALL_LAB_"];
const PREFIX: &str = "ROLLCALL_";

/// Gives out values and remembers what was wrong with them.
pub(super) struct Reader {
    values: BTreeMap<String, (Value, Origin)>,
    known: Vec<String>,
    problems: Vec<String>,
}

impl Reader {
    /// Values of the file, and of the environment before them.
    pub(super) fn new(
        file: toml::Table,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut values = BTreeMap::new();
        flatten("", file, &mut values);
        for (variable, value) in environment {
            let Some(key) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            if NOT_SETTINGS.iter().any(|other| variable.starts_with(other)) {
                continue;
            }
            let key = key.replace("__", ".").to_ascii_lowercase();
            values.insert(key, (Value::String(value), Origin::Environment(variable)));
        }
        Self {
            values,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn take(&mut self, key: &str) -> Option<(Value, Origin)> {
        self.known.push(key.to_owned());
        self.values.remove(key)
    }

    fn refuse(&mut self, key: &str, value: &Value, origin: &Origin, takes: &str) {
        let shown: String = value.to_string().chars().take(100).collect();
        self.problems
            .push(format!("{key} = {shown} ({origin}): takes {takes}"));
    }

    /// Says what is wrong across several keys.
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A whole number in a range.
    pub(super) fn number(
        &mut self,
        key: &str,
        unit: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some((value, origin)) = self.take(key) else {
            return default;
        };
        let number = match &value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::String(text) if matches!(origin, Origin::Environment(_)) => {
                text.trim().parse().ok()
            }
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .unwrap_or_else(|| {
                let takes = format!(
                    "a whole number of {unit} from {} to {}",
                    range.start(),
                    range.end()
                );
                self.refuse(key, &value, &origin, &takes);
                default
            })
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        let Some((value, origin)) = self.take(key) else {
            return default;
        };
        match (&value, &origin) {
            (Value::Boolean(flag), _) => *flag,
            (Value::String(text), Origin::Environment(_)) if text == "true" => true,
            (Value::String(text), Origin::Environment(_)) if text == "false" => false,
            _ => {
                self.refuse(key, &value, &origin, "true or false");
                default
            }
        }
    }

    /// Text that is not empty and that `parse` takes.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        takes: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (value, origin) = self.take(key)?;
        let parsed = value
            .as_str()
            .filter(|text| !text.is_empty())
            .and_then(parse);
        if parsed.is_none() {
            self.refuse(key, &value, &origin, takes);
        }
        parsed
    }

    /// The names of the tables right under a key.
    pub(super) fn tables(&self, key: &str) -> Vec<String> {
        let under = format!("{key}.");
        let names = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(&under)?.split_once('.'));
        let mut names: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
        names.dedup();
        names
    }

    /// A list of texts that hold secrets: no value of theirs is ever repeated. In the environment
    /// commas stand between them.
    pub(super) fn secrets(&mut self, key: &str, takes: &str) -> Vec<String> {
        let Some((value, origin)) = self.take(key) else {
            return Vec::new();
        };
        let list: Option<Vec<String>> = match value {
            Value::String(text) => {
                Some(text.split(',').map(|part| part.trim().to_owned()).collect())
            }
            Value::Array(values) => values
                .into_iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        list.unwrap_or_else(|| {
            self.problems
                .push(format!("{key} ({origin}): takes {takes}"));
            Vec::new()
        })
    }

    /// Every problem, with what nobody asked for among them.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        for (key, (_, origin)) in &self.values {
            let near = self
                .known
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, key), known))
                .min();
            let hint = match near {
                Some((distance, known)) if distance <= 3 => format!("; did you mean {known}?"),
                _ => String::new(),
            };
            self.problems
                .push(format!("{key} ({origin}): there is no such setting{hint}"));
        }
        (self.known, self.problems)
    }
}

fn flatten(prefix: &str, table: toml::Table, values: &mut BTreeMap<String, (Value, Origin)>) {
    for (key, value) in table {
        let key = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Table(table) => flatten(&key, table, values),
            value => drop(values.insert(key, (value, Origin::File))),
        }
    }
}

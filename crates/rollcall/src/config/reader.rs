//! Settings as dotted keys from a file and the environment, read one by one. Problems are
//! collected, so that one start tells all of them.

use std::{
    collections::BTreeMap, fmt, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration,
};

use secrecy::SecretString;
use toml::Value;

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Origin {
    File,
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("from the configuration file"),
            Self::Environment(variable) => write!(f, "from {variable}"),
        }
    }
}

/// A key that is read, as the reference shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Its dotted name.
    pub(super) key: String,
    /// Type, unit and range.
    pub(super) takes: String,
    /// What holds without it; empty for nothing.
    pub(super) default: String,
}

/// So many bytes.
pub(super) const MIB: usize = 1 << 20;

const PREFIX: &str = "ROLLCALL_";
/// Variables of the command line: the file's name, and how a service is reached.
const NO_SETTINGS: [&str; 5] = [
    "ROLLCALL_CONFIG",
    "ROLLCALL_SOCKET",
    "ROLLCALL_URL",
    "ROLLCALL_TOKEN",
    "ROLLCALL_TOKEN_FILE",
];
/// Variables of another program of the project.
const OF_THE_LAB: &str = "ROLLCALL_LAB_";
/// Sections that an earlier version had, and what to do now.
const REMOVED: [(&str, &str); 1] = [(
    "cluster",
    "accounts are no longer divided over nodes, every node holds all of them: remove the section [cluster] \
     and run several equal nodes behind a load balancer, see docs/how-to/capacity.md",
)];
/// How many characters of a value that is refused are shown.
const SHOWN: usize = 100;
/// A key that is further off than this many edits is not suggested.
const NEAR: usize = 3;

/// Reads values by key, and collects what is wrong with them.
pub(super) struct Reader {
    values: BTreeMap<String, (Value, Origin)>,
    known: Vec<Known>,
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
            if NO_SETTINGS.contains(&&*variable) || variable.starts_with(OF_THE_LAB) {
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

    /// Makes a key known without reading it.
    pub(super) fn know(&mut self, key: &str, takes: &str, default: impl fmt::Display) {
        self.known.push(Known {
            key: key.to_owned(),
            takes: takes.to_owned(),
            default: default.to_string(),
        });
    }

    /// Whether a key is set to anything.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    fn refuse(&mut self, key: &str, value: &Value, origin: &Origin, takes: &str) {
        // What is cut off might be what tells credentials.
        let shown = without_credentials(&value.to_string());
        let shown: String = shown.chars().take(SHOWN).collect();
        self.problem(&format!("{key} = {shown} ({origin}): takes {takes}"));
    }

    /// Notes what is wrong; credentials that got into it are left out.
    pub(super) fn problem(&mut self, problem: &str) {
        self.problems.push(without_credentials(problem));
    }

    /// A value that `parse` takes, if there is one; `default` is only what the reference shows.
    fn read<T>(
        &mut self,
        key: &str,
        takes: &str,
        default: impl fmt::Display,
        parse: impl Fn(&Value, &Origin) -> Option<T>,
    ) -> Option<T> {
        self.know(key, takes, default);
        let (value, origin) = self.values.remove(key)?;
        let parsed = parse(&value, &origin);
        if parsed.is_none() {
            self.refuse(key, &value, &origin, takes);
        }
        parsed
    }

    /// A whole number in a range; `unit` is empty for a plain number.
    pub(super) fn number<T>(
        &mut self,
        key: &str,
        unit: &str,
        range: RangeInclusive<T>,
        default: T,
    ) -> T
    where
        T: Copy + PartialOrd + fmt::Display + FromStr + TryFrom<i64>,
    {
        let of = if unit.is_empty() { "" } else { " of " };
        let (from, to) = (range.start(), range.end());
        let takes = format!("a whole number{of}{unit} from {from} to {to}");
        let parse = |value: &Value, origin: &Origin| {
            let number = match (value, origin) {
                (Value::Integer(number), _) => T::try_from(*number).ok(),
                (Value::String(text), Origin::Environment(_)) => text.trim().parse().ok(),
                _ => None,
            };
            number.filter(|number| range.contains(number))
        };
        self.read(key, &takes, default, parse).unwrap_or(default)
    }

    /// A number of seconds in a range.
    pub(super) fn seconds(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        Duration::from_secs(self.number(key, "seconds", range, default))
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        let parse = |value: &Value, origin: &Origin| match (value, origin) {
            (Value::Boolean(flag), _) => Some(*flag),
            (Value::String(text), Origin::Environment(_)) => text.trim().parse().ok(),
            _ => None,
        };
        self.read(key, "true or false", default, parse)
            .unwrap_or(default)
    }

    /// Text that is not empty and that `parse` takes, if there is any.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        takes: &str,
        default: impl fmt::Display,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(key, takes, default, |value, _| {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.and_then(&parse)
        })
    }

    /// Text that is not empty and that `parse` takes, or the default.
    pub(super) fn parsed<T: fmt::Display>(
        &mut self,
        key: &str,
        takes: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        self.optional(key, takes, &default, parse)
            .unwrap_or(default)
    }

    /// Text that is not empty, or the default.
    pub(super) fn text(&mut self, key: &str, takes: &str, default: &str) -> String {
        self.parsed(key, takes, default.to_owned(), |text| Some(text.to_owned()))
    }

    /// One of several words, the first of which is the default.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        words: &[(&'static str, T)],
        default: T,
    ) -> T {
        let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let takes = match quoted.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => quoted.concat(),
        };
        let parse = |text: &str| {
            let chosen = words.iter().find(|(word, _)| *word == text);
            chosen.map(|(_, chosen)| *chosen)
        };
        let first = words.first().map_or("", |(word, _)| word);
        self.optional(key, &takes, first, parse).unwrap_or(default)
    }

    /// A list of texts that `parse` takes; empty if it is not set. In the environment commas stand
    /// between them.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        takes: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let read = |value: &Value, _: &Origin| match value {
            Value::Array(items) => items.iter().map(|item| parse(item.as_str()?)).collect(),
            Value::String(text) => text.split(',').map(|item| parse(item.trim())).collect(),
            _ => None,
        };
        self.read(key, takes, "", read).unwrap_or_default()
    }

    /// A path, if there is one.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key, "a path", "", |text| Some(text.into()))
    }

    /// Two paths that are set together or not at all.
    pub(super) fn paths(&mut self, one: &str, other: &str) -> Option<(PathBuf, PathBuf)> {
        let paths = (self.path(one), self.path(other));
        if paths.0.is_some() != paths.1.is_some() {
            self.problem(&format!(
                "{one} and {other} go together: set both, or neither"
            ));
        }
        paths.0.zip(paths.1)
    }

    /// The names of the tables right under a key.
    pub(super) fn tables(&self, key: &str) -> Vec<String> {
        let under = format!("{key}.");
        let name = |(key, (value, _)): (&String, &(Value, Origin))| {
            let rest = key.strip_prefix(&under)?;
            match rest.split_once('.') {
                Some((name, _)) => Some(name.to_owned()),
                None => value.is_table().then(|| rest.to_owned()),
            }
        };
        let mut names: Vec<_> = self.values.iter().filter_map(name).collect();
        names.dedup();
        names
    }

    /// A list of at least one text, all of which `check` takes. They are secrets: what is refused
    /// is never repeated. In the environment commas stand between them.
    pub(super) fn secrets(
        &mut self,
        key: &str,
        takes: &str,
        default: &str,
        check: impl Fn(&str) -> bool,
    ) -> Vec<SecretString> {
        self.know(key, takes, default);
        let Some((value, origin)) = self.values.remove(key) else {
            self.problem(&format!("{key} is missing: takes {takes}"));
            return Vec::new();
        };
        let list: Option<Vec<&str>> = match (&value, &origin) {
            (Value::String(text), Origin::Environment(_)) => {
                Some(text.split(',').map(str::trim).collect())
            }
            (Value::Array(values), _) => values.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let list = list.unwrap_or_default();
        if list.is_empty() {
            self.problem(&format!("{key} ({origin}): takes {takes}"));
        }
        for (number, _) in (1..).zip(&list).filter(|(_, text)| !check(text)) {
            self.problem(&format!("{key} ({origin}), number {number}: takes {takes}"));
        }
        list.into_iter().map(Into::into).collect()
    }

    /// The keys that were read, and every problem; a key that was not read is one.
    pub(super) fn finish(mut self) -> (Vec<Known>, Vec<String>) {
        for (key, (value, origin)) in std::mem::take(&mut self.values) {
            let under = format!("{key}.");
            let has_settings = self.known.iter().any(|known| known.key.starts_with(&under));
            if value.is_table() && has_settings {
                continue;
            }
            let section = key.split('.').next().unwrap_or_default();
            if let Some((_, instead)) = REMOVED.iter().find(|(removed, _)| *removed == section) {
                self.problem(&format!("{key} ({origin}): {instead}"));
                continue;
            }
            let names = self.known.iter().map(|known| known.key.as_str());
            // What is an empty table was meant for a section.
            let near = if value.is_table() {
                nearest(
                    &key,
                    names.filter_map(|name| name.rsplit_once('.').map(|(s, _)| s)),
                )
            } else {
                nearest(&key, names)
            };
            let hint = near.map_or_else(String::new, |name| format!("; did you mean {name}?"));
            self.problem(&format!("{key} ({origin}): there is no such setting{hint}"));
        }
        (self.known, self.problems)
    }
}

/// A text without the credentials of a URI that it holds. All between the scheme and the last `@` is
/// left out: a password may hold anything.
fn without_credentials(text: &str) -> String {
    const SCHEME_END: &str = "://";
    let split = text.split_once(SCHEME_END).and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}{SCHEME_END}…@{host}"))
    });
    split.unwrap_or_else(|| text.to_owned())
}

/// The name with the fewest differences, unless even that has too many.
fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = names
        .map(|name| (strsim::damerau_levenshtein(name, key), name))
        .min()?;
    (distance <= NEAR).then_some(name)
}

/// Dotted keys of a table; one without any stands for itself.
fn flatten(prefix: &str, table: toml::Table, values: &mut BTreeMap<String, (Value, Origin)>) {
    for (key, value) in table {
        let key = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Table(table) if !table.is_empty() => flatten(&key, table, values),
            value => drop(values.insert(key, (value, Origin::File))),
        }
    }
}

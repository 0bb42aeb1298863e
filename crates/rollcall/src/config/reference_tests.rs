//! That the reference and the example say what is read. `UPDATE_DOCS=1` writes the reference's
//! table; what each key does is said there by hand and kept.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use super::{
    Config,
    reader::{Known, Reader},
    tests::{TOKENS, load},
};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
const HEAD: &str = "| key | environment variable | takes | default | what it does |\n\
                    | --- | --- | --- | --- | --- |\n";
/// Defaults that are the machine's own.
const THE_MACHINES_OWN: [(&str, &str); 2] = [
    ("http.workers", "one per core"),
    ("amqp.node", "`rollcall@` and the host's name"),
];

/// Shown in the example as they might be.
const HAVE_NO_DEFAULT: [&str; 11] = [
    "admin.socket",
    "zones.NAME.tls_ca",
    "zones.NAME.tls_certificate",
    "zones.NAME.tls_key",
    "zones.NAME.password_file",
    "accounts.realms_file",
    "snapshot.file",
    "http.tls_certificate",
    "http.tls_key",
    "auth.crossbar_url",
    "auth.keys_dir",
];

/// Every key that is read.
fn known() -> Vec<Known> {
    let zones = "[zones.NAME]\nuris = [\"amqp://a\"]".parse().unwrap();
    let mut reader = Reader::new(zones, []);
    let _ = Config::read(&mut reader);
    reader.finish().0
}

/// The reference's rows: keys and what it says that they do.
fn described(reference: &str) -> BTreeMap<&str, &str> {
    let row = |line| {
        let (key, rest) = str::strip_prefix(line, "| `")?.split_once("` |")?;
        let (_, does) = rest.strip_suffix(" |")?.rsplit_once(" | ")?;
        Some((key, does))
    };
    reference.lines().filter_map(row).collect()
}

fn table(known: &[Known], described: &BTreeMap<&str, &str>) -> String {
    let mut table = HEAD.to_owned();
    for Known {
        key,
        takes,
        default,
    } in known
    {
        let variable = format!("ROLLCALL_{}", key.to_uppercase().replace('.', "__"));
        let own = THE_MACHINES_OWN.iter().find(|(own, _)| own == key);
        let default = match (own, default.as_str()) {
            (Some((_, own)), _) => (*own).to_owned(),
            (None, "") => "–".to_owned(),
            (None, default) => format!("`{default}`"),
        };
        let does = described.get(key.as_str()).unwrap_or_else(|| {
            panic!("docs/configuration.md has no row `| `{key}` | … | what it does |`")
        });
        writeln!(
            table,
            "| `{key}` | `{variable}` | {takes} | {default} | {does} |"
        )
        .unwrap();
    }
    table
}

#[test]
fn the_reference_shows_every_key_as_it_is_read() {
    let reference = std::fs::read_to_string(REFERENCE).unwrap();
    let (before, rest) = reference.split_once("| key |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let table = table(&known(), &described(&reference));
    let fresh = format!("{before}{table}\n{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(REFERENCE, fresh).unwrap();
    } else {
        assert!(
            reference == fresh,
            "docs/configuration.md is stale: run the tests with UPDATE_DOCS=1"
        );
    }
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rollcall.example.toml");
    let example = std::fs::read_to_string(example).unwrap();
    // A default stands commented out as `#key = value`; prose as `# …`.
    let uncommented = |line: &str| {
        let bare = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        format!("{}\n", bare.unwrap_or(line))
    };
    let shown: String = example.lines().map(uncommented).collect();
    let mut shown: toml::Table = shown.parse().unwrap();
    for Known { key, .. } in known() {
        let (section, name) = key.rsplit_once('.').unwrap();
        let section = section.replace("NAME", "local");
        let table = section.split('.').try_fold(&mut shown, |table, part| {
            table.get_mut(part).and_then(toml::Value::as_table_mut)
        });
        let table = table.unwrap_or_else(|| panic!("{section} is not in the example"));
        assert!(table.contains_key(name), "{key} is not in the example");
        let has_none = HAVE_NO_DEFAULT.contains(&key.as_str());
        if THE_MACHINES_OWN.iter().any(|(own, _)| *own == key) || has_none {
            table.remove(name);
        }
    }
    let node = ("ROLLCALL_AMQP__NODE".to_owned(), "rollcall@test".to_owned());
    let mut as_shown = Reader::new(shown, [node]);
    let config = format!("{:?}", Config::read(&mut as_shown));
    assert_eq!(as_shown.finish().1, Vec::<String>::new());
    assert_eq!(config, format!("{:?}", load("", &[TOKENS]).unwrap()));
}

#[test]
fn the_example_works_as_it_is() {
    let example = include_str!("../../../../rollcall.example.toml");
    load(example, &[("ROLLCALL_AMQP__NODE", "rollcall@test")]).unwrap();
}

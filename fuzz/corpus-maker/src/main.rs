//! Makes seed corpora of the recorded messages, answers and contacts: `corpus-maker FIXTURES CORPUS`.

#![forbid(unsafe_code)]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(fixtures), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other(
            "takes the folder of fixtures and that of corpora",
        ));
    };
    let corpus = Corpus(corpus);
    // Beside the fixtures: every setting there is.
    let example = fs::read(fixtures.join("../rollcall.example.toml"))?;
    corpus.add("config", "example", &example)?;
    for file in files(&fixtures.join("captures"))? {
        // As it was sent; not all of them are JSON.
        if let Some(body) = json(&file)?["body"].as_str() {
            corpus.add("event", &name(&file), body.as_bytes())?;
            corpus.add(
                "event",
                &format!("targeted-{}", name(&file)),
                format!("T{body}").as_bytes(),
            )?;
            corpus.add("snapshot", &name(&file), body.as_bytes())?;
        }
    }
    for file in files(&fixtures.join("events"))? {
        corpus.add("event", &name(&file), &fs::read(&file)?)?;
    }
    for file in files(&fixtures.join("oracle"))? {
        oracle(&corpus, &name(&file), &json(&file)?)?;
    }
    for file in files(&fixtures.join("http"))? {
        for (number, request) in (0..).zip(json(&file)?.as_object().into_iter().flatten()) {
            http(&corpus, number, request.0)?;
        }
    }
    Ok(())
}

/// What Kazoo made of events, contacts and names.
fn oracle(corpus: &Corpus, name: &str, case: &Value) -> io::Result<()> {
    let events = case["events"].as_array().cloned().unwrap_or_default();
    if !events.is_empty() {
        let bodies: Vec<String> = events.iter().map(Value::to_string).collect();
        corpus.add("event", name, bodies.join("\0").as_bytes())?;
        corpus.add("snapshot", name, bodies.join("\n").as_bytes())?;
    }
    for (number, item) in (0..).zip(case.as_array().into_iter().flatten()) {
        let text = |key: &str| item[key].as_str();
        if let Some(contact) = text("original_contact") {
            corpus.add("contact", &format!("{name}-{number}"), contact.as_bytes())?;
        }
        if let Some(plain) = text("in") {
            corpus.add("routing_key", &format!("{name}-{number}"), plain.as_bytes())?;
            corpus.add("contact", &format!("{name}-{number}"), plain.as_bytes())?;
        }
        if item["payload"].is_object() {
            let body = item["payload"].to_string();
            corpus.add("event", &format!("{name}-{number}"), body.as_bytes())?;
        }
    }
    Ok(())
}

/// `01 GET /path as "token", accepts */*`
fn http(corpus: &Corpus, number: u32, line: &str) -> io::Result<()> {
    let mut words = line.split(' ').skip(1);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let accept = line
        .split_once("accepts ")
        .map_or("*/*", |(_, accept)| accept);
    let request = format!("{method} {path}\nAccept: {accept}\n\n");
    corpus.add(
        "http_query",
        &format!("recorded-{number}"),
        request.as_bytes(),
    )
}

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

fn name(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn json(file: &Path) -> io::Result<Value> {
    serde_json::from_slice(&fs::read(file)?).map_err(io::Error::other)
}

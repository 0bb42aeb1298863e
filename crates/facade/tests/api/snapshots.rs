//! Every endpoint's answers, good and bad, to the letter. `UPDATE_DOCS=1` writes them anew, to be
//! read before they are kept.

use serde_json::{Map, Value, json};

use crate::world::{ACME, ADMIN, READER, UNKNOWN, World, registrations};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/http/answers.json"
);

/// What is another in every run.
const OWN: [&str; 2] = ["request_id", "version"];

#[tokio::test]
async fn every_answer_is_as_it_was() {
    let acme = registrations(ACME);
    let none = "";
    let asked: Vec<(&str, String, &str, &str)> = vec![
        ("GET", acme.clone(), ADMIN, "*/*"),
        ("GET", format!("{acme}?page_size=1"), ADMIN, "*/*"),
        (
            "GET",
            format!("{acme}?filter_username=nobody"),
            ADMIN,
            "*/*",
        ),
        ("GET", format!("{acme}?page_size=0"), ADMIN, "*/*"),
        ("GET", acme.clone(), ADMIN, "image/png"),
        ("GET", acme.clone(), none, "*/*"),
        ("GET", acme.clone(), "planted-wrong", "*/*"),
        ("GET", registrations(UNKNOWN), ADMIN, "*/*"),
        ("GET", registrations(UNKNOWN), READER, "*/*"),
        ("PUT", acme.clone(), ADMIN, "*/*"),
        ("GET", format!("{acme}/count"), ADMIN, "*/*"),
        ("GET", format!("{acme}/amy"), ADMIN, "*/*"),
        ("GET", format!("{acme}/nobody"), ADMIN, "*/*"),
        ("GET", format!("{acme}/o'x"), ADMIN, "*/*"),
        (
            "GET",
            format!("/v2/accounts/{ACME}/devices/status"),
            ADMIN,
            "*/*",
        ),
        ("GET", "/v2/registrations".to_owned(), ADMIN, "*/*"),
        ("GET", "/v2/registrations".to_owned(), READER, "*/*"),
        ("GET", "/v2/registrations/count".to_owned(), ADMIN, "*/*"),
        ("GET", "/v2/nothing".to_owned(), ADMIN, "*/*"),
        ("DELETE", format!("{acme}/nobody"), ADMIN, "*/*"),
        ("DELETE", format!("{acme}/amy"), READER, "*/*"),
        ("DELETE", format!("{acme}/amy"), ADMIN, "*/*"),
        ("DELETE", acme.clone(), ADMIN, "*/*"),
        ("GET", acme.clone(), ADMIN, "*/*"),
    ];
    let world = World::new();
    let mut answers = Map::new();
    for (number, (method, path, token, accept)) in asked.into_iter().enumerate() {
        let mut request = world.request(method, &path).header("Accept", accept);
        if !token.is_empty() {
            request = request.header("X-Auth-Token", token);
        }
        let mut answer = world.send(request).await;
        for own in OWN {
            answer.body[own] = "…".into();
        }
        let name = format!(
            "{:02} {method} {path} as {token:?}, accepts {accept}",
            number + 1
        );
        answers.insert(
            name,
            json!({"status": answer.status.as_u16(), "body": answer.body}),
        );
    }
    world.broker_is_down();
    world.register("amy", 600);
    let mut answer = world.admin("DELETE", &acme).await;
    for own in OWN {
        answer.body[own] = "…".into();
    }
    answers.insert(
        "99 DELETE without a broker".to_owned(),
        json!({"status": answer.status.as_u16(), "body": answer.body}),
    );
    for path in ["/healthz", "/readyz"] {
        let answer = world.request("GET", path).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        answers.insert(
            format!("GET {path}"),
            json!({"status": status, "body": body}),
        );
    }
    let answers = Value::Object(answers);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, serde_json::to_string_pretty(&answers).unwrap() + "\n").unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    for (name, answer) in kept.as_object().unwrap() {
        assert_eq!(&answers[name], answer, "{name}");
    }
    assert_eq!(
        answers.as_object().unwrap().len(),
        kept.as_object().unwrap().len()
    );
}

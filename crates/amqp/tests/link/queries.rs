//! Questions who is registered, put as Crossbar puts them.

use std::time::Duration;

use lab::{amqp::Client, broker};
use serde_json::{Value, json};

use crate::node::{Node, REALM, TIMEOUT, register, settings};

const ASKER: &str = "crossbar@kazoo1-asker";

fn question(more: &Value) -> Vec<u8> {
    let mut question = json!({
        "Event-Category": "directory", "Event-Name": "reg_query", "App-Name": "crossbar", "App-Version": "5.0.0",
        "Node": "crossbar@kazoo1", "Msg-ID": "m1", "Server-ID": ASKER, "Realm": REALM, "Fields": [],
    });
    question
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    question.to_string().into_bytes()
}

#[tokio::test]
async fn a_question_is_answered_to_who_asked() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    let mut answers = client.tap("targeted", ASKER).await?;
    for username in ["amy", "bob"] {
        register(&client, username, "192.0.2.1:5060").await?;
        node.knows(username, "192.0.2.1:5060").await?;
    }
    let mut ask = async |key: &str, more: Value| -> anyhow::Result<Value> {
        client.publish("registrar", key, &question(&more)).await?;
        answers.next(TIMEOUT).await?.json()
    };
    let realm = "registration.query.sip%2Eexample%2Ecom.*";
    let all = ask(realm, json!({})).await?;
    assert_eq!(
        (&all["Event-Name"], &all["App-Name"], &all["Msg-ID"]),
        (&"reg_query_resp".into(), &"ecallmgr".into(), &"m1".into())
    );
    assert_eq!(all["Fields"].as_array().unwrap().len(), 2);
    let one = ask(
        realm,
        json!({"Username": "BOB", "Fields": ["Username", "Contact"]}),
    )
    .await?;
    assert_eq!(
        one["Fields"],
        json!([{"Username": "bob", "Contact": "sip:bob@192.0.2.1:5060"}])
    );
    let count = ask(
        "registration.query.all.*",
        json!({"Realm": "all", "Count-Only": true}),
    )
    .await?;
    assert_eq!((&count["Count"], &count["Fields"]), (&2.into(), &json!([])));
    let nobody = ask(realm, json!({"Username": "nobody"})).await?;
    assert_eq!(
        (&nobody["Event-Name"], nobody.get("Fields")),
        (&"reg_query_error".into(), None)
    );
    Ok(())
}

#[tokio::test]
async fn nobody_answers_where_that_is_turned_off() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let mut silent = settings();
    silent.answer_queries = false;
    let node = Node::start(silent, &[vhost.uri()])?;
    node.consuming().await?;
    let client = Client::connect(vhost.uri()).await?;
    let mut answers = client.tap("targeted", ASKER).await?;
    client
        .publish(
            "registrar",
            "registration.query.all.*",
            &question(&json!({})),
        )
        .await?;
    // What was published later has been taken, so the question has had its chance.
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;
    assert!(answers.drain(Duration::from_millis(200)).await.is_empty());
    node.counts("query", "asked", 0).await
}

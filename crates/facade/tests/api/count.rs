//! `GET /v2/accounts/{ACCOUNT_ID}/registrations/count`

use serde_json::json;

use crate::world::{ACME, EMPTY, World, registrations};

#[tokio::test]
async fn as_many_as_the_list_has() {
    let world = World::new();
    for (account, count) in [(ACME, 3), (EMPTY, 0)] {
        for slash in ["", "/"] {
            let answer = world
                .admin("GET", &format!("{}/count{slash}", registrations(account)))
                .await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["data"]),
                (200, &json!({"count": count}))
            );
            assert_eq!(answer.body.get("page_size"), None);
        }
    }
}

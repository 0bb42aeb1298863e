//! The page for people, and the policy it comes with.

use crate::world::World;

#[tokio::test]
async fn every_file_it_names_is_there_and_nothing_else_is_asked_for() {
    let world = World::new();
    let get = async |path: &str| {
        let answer = world.request("GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let headers = answer.headers().clone();
        let policy = headers["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        (answer.text().await.unwrap(), headers)
    };
    let mut left = vec!["/".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = left.pop() {
        let (text, headers) = get(&path).await;
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "http://",
            "https://",
        ] {
            let said = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!said.contains(forbidden), "{forbidden} in {path}");
        }
        let again = world
            .request("GET", &path)
            .header("If-None-Match", &headers["etag"]);
        let again = again.send().await.unwrap();
        assert_eq!(again.status(), 304, "{path}");
        assert!(again.bytes().await.unwrap().is_empty());
        seen.push(path);
        for named in text
            .split(['"', '\''])
            .filter(|named| named.starts_with("/page/"))
        {
            if !seen.iter().chain(&left).any(|known| known == named) {
                left.push(named.to_owned());
            }
        }
    }
    assert_eq!(seen.len(), 12, "{seen:?}");
    let no_method = world.request("DELETE", "/").send().await.unwrap();
    assert_eq!(no_method.status(), 405);
    let nothing = world.request("GET", "/page/other.js").send().await.unwrap();
    assert_eq!(nothing.status(), 404);
}

//! What is around the answers: TLS, HTTP/2, compression.

use facade::{
    Certificate,
    auth::{Auth, StaticTokens},
};

use crate::world::{ACME, ADMIN, World, registrations};

/// A certificate of its own signing in `folder`; the certificate as PEM.
fn certify(folder: &std::path::Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

fn trusting(pem: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([certificate])
        .build()
        .unwrap()
}

#[tokio::test]
async fn https_with_http_2_and_a_certificate_that_is_renewed() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let files = ["chain.pem", "key.pem"].map(|file| folder.path().join(file));
    let [chain, key] = files;
    let certificate = Certificate::read(chain.clone(), key).unwrap();
    let auth = Auth::Static(StaticTokens::parse("").unwrap());
    let world = World::build(auth, true, 1000, Some(std::sync::Arc::clone(&certificate)));
    let url = format!("{}/healthz", world.base.replace("127.0.0.1", "localhost"));
    let get = async |pem: &str| trusting(pem).get(&url).send().await;
    let answer = get(&first).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, reqwest::Version::HTTP_2)
    );
    assert!(!certificate.renew().unwrap());
    let second = certify(folder.path());
    let later = std::time::Duration::from_secs(5);
    let file = std::fs::File::options().write(true).open(&chain).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() + later)
        .unwrap();
    assert!(certificate.renew().unwrap());
    assert!(get(&first).await.is_err());
    assert_eq!(get(&second).await.unwrap().status(), 200);
    // What cannot be used is refused, and the one in use stays.
    std::fs::write(&chain, "no certificate").unwrap();
    assert!(
        certificate
            .renew()
            .unwrap_err()
            .to_string()
            .contains("chain.pem")
    );
    assert_eq!(get(&second).await.unwrap().status(), 200);
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_are_not() {
    let world = World::new();
    for number in 0..500 {
        world.register(&format!("user{number:03}"), 600);
    }
    for (encoding, path, wanted) in [
        ("gzip", registrations(ACME), Some("gzip")),
        ("br", registrations(ACME), Some("br")),
        ("zstd", registrations(ACME), Some("zstd")),
        ("gzip", format!("{}/count", registrations(ACME)), None),
    ] {
        let request = world
            .request("GET", &path)
            .header("X-Auth-Token", ADMIN)
            .header("Accept-Encoding", encoding);
        let answer = request.send().await.unwrap();
        let used = answer
            .headers()
            .get("content-encoding")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(used.as_deref().filter(|used| *used != "identity"), wanted);
        let length = answer.bytes().await.unwrap().len();
        assert!(length < 40_000, "{encoding}: {length}");
    }
}

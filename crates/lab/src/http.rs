//! HTTP clients.

use reqwest::Client;

/// A client; it wants to know how TLS is done before it is made.
pub fn client() -> Client {
    // Whoever came first has chosen the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

//! This process as the sender of Kazoo messages.

use uuid::Uuid;

/// Kamailio 5.6 crashes as a whole on a Server-ID of 87 bytes or more; stay well below.
pub const MAX_SERVER_ID_BYTES: usize = 80;

/// Why a node name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the node name {node:?} makes a Server-ID of {length} bytes; Kamailio crashes on long ones, at \
     most {MAX_SERVER_ID_BYTES} are sent: set a shorter node name"
)]
pub struct IdentityError {
    node: String,
    length: usize,
}

/// This process, as other nodes of the cluster see it.
#[derive(Clone, Debug)]
pub struct Identity {
    node: String,
    server_id: String,
}

impl Identity {
    /// App-Name of our messages.
    pub const APP_NAME: &'static str = "rollcall";
    /// App-Version of our messages.
    pub const APP_VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// A new identity of the node; each process start has its own Server-ID.
    pub fn new(node: &str) -> Result<Self, IdentityError> {
        let instance = Uuid::new_v4().simple().to_string();
        let server_id = format!("{node}-{}", instance.get(..12).unwrap_or(&instance));
        if server_id.len() > MAX_SERVER_ID_BYTES {
            return Err(IdentityError {
                node: node.to_owned(),
                length: server_id.len(),
            });
        }
        Ok(Self {
            node: node.to_owned(),
            server_id,
        })
    }

    /// The node's name, as `rollcall@host`.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The address for answers to this process, which also marks its own messages.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// A fresh Msg-ID: 32 hex digits.
    pub fn message_id() -> String {
        Uuid::new_v4().simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_a_node_differ() {
        let [one, two] = [(), ()].map(|()| Identity::new("rollcall@host").unwrap());
        assert_ne!(one.server_id(), two.server_id());
        assert!(one.server_id().starts_with("rollcall@host-"));
    }

    #[test]
    fn a_server_id_that_would_crash_the_proxy_is_refused() {
        assert!(Identity::new(&"x".repeat(67)).is_ok());
        let error = Identity::new(&"x".repeat(68)).unwrap_err().to_string();
        assert!(error.contains("81 bytes"), "{error}");
    }
}

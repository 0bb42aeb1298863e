//! `[cluster]`: accounts divided over several nodes.

use std::{sync::Arc, time::Duration};

use registrar::Division;

use super::{amqp, narrow, reader::Reader};

/// The most members that a list may have.
const MAX_MEMBERS: usize = 128;
const MAX_REPLICAS: u64 = 5;

/// `[cluster]`
#[derive(Debug)]
pub struct Cluster {
    /// How accounts are divided, if they are.
    pub division: Option<Arc<Division>>,
}

impl Cluster {
    pub(super) fn read(r: &mut Reader, node: &str) -> Self {
        let key = "cluster.members";
        let takes = "a list of node names (amqp.node), this one among them";
        let members = r.list(key, takes, |name| amqp::fits(name).then(|| name.to_owned()));
        let replicas = r.number("cluster.replicas", "nodes", 1..=MAX_REPLICAS, 1);
        let timeout = r.number("cluster.timeout", "milliseconds", 100..=60_000, 2_000);
        if members.len() > MAX_MEMBERS {
            r.problem(&format!(
                "{key} has {} names: at most {MAX_MEMBERS}",
                members.len()
            ));
        }
        if members.is_empty() || members.len() > MAX_MEMBERS || node.is_empty() {
            // What is wrong with the node has been told.
            return Self { division: None };
        }
        let replicas = narrow(replicas, usize::MAX);
        let division = Division::new(node, &members, replicas, Duration::from_millis(timeout));
        if let Err(error) = &division {
            r.problem(&format!(
                "{key}, with amqp.node = {node:?} and cluster.replicas = {replicas}: {error}"
            ));
        }
        Self {
            division: division.ok().map(Arc::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TOKENS, load, refused};

    fn cluster(members: &str, more: &str) -> String {
        format!("[amqp]\nnode = \"rollcall@a\"\n[cluster]\nmembers = {members}\n{more}")
    }

    #[test]
    fn nobody_divides_unless_told_to() {
        for nothing in ["", "[cluster]\nreplicas = 2", "[cluster]\nmembers = []"] {
            assert!(load(nothing, &[TOKENS]).unwrap().cluster.division.is_none());
        }
        let three = cluster(
            "[\"rollcall@b\", \"rollcall@a\", \"rollcall@c\"]",
            "replicas = 2",
        );
        let division = load(&three, &[TOKENS]).unwrap().cluster.division.unwrap();
        assert!(division.has_member("rollcall@c"));
        let variable = ("ROLLCALL_CLUSTER__MEMBERS", "rollcall@a, rollcall@b");
        let one = load(&cluster("[\"rollcall@a\"]", ""), &[TOKENS, variable]).unwrap();
        assert!(one.cluster.division.unwrap().has_member("rollcall@b"));
    }

    #[test]
    fn a_list_that_cannot_be_is_refused() {
        for (members, more, says) in [
            (
                "[\"rollcall@b\"]",
                "",
                "\"rollcall@a\" is not among the members",
            ),
            ("[\"rollcall@a\", \"rollcall@a\"]", "", "twice"),
            (
                "[\"rollcall@a\"]",
                "replicas = 2",
                "2 replicas take as many members",
            ),
            ("[\"rollcall@a\"]", "replicas = 0", "cluster.replicas = 0"),
            ("[\"rollcall@a\"]", "timeout = 10", "cluster.timeout = 10"),
            ("[\"rollcall a\"]", "", "takes a list of node names"),
            ("5", "", "takes a list of node names"),
        ] {
            let said = refused(&cluster(members, more), &[TOKENS]);
            assert!(said.contains(says), "{says:?} is not in {said}");
        }
    }
}

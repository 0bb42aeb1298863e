use proptest::prelude::*;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(2);

fn members(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("rollcall@{number}.example.com"))
        .collect()
}

fn of(node: usize, count: usize, replicas: usize) -> Division {
    let members = members(count);
    Division::new(&members[node], &members, replicas, TIMEOUT).unwrap()
}

#[test]
fn every_partition_has_as_many_owners_as_replicas() {
    for (count, replicas) in [(1, 1), (2, 1), (3, 1), (3, 2), (3, 3), (7, 2), (20, 3)] {
        let all: Vec<_> = (0..count).map(|node| of(node, count, replicas)).collect();
        for partition in 0..PARTITIONS {
            let owners = all.iter().filter(|one| one.own().has(partition)).count();
            assert_eq!(owners, replicas, "{partition} of {count}");
            let first = all.iter().filter(|one| one.first.has(partition)).count();
            assert_eq!(first, 1);
        }
    }
}

#[test]
fn none_has_much_more_than_its_share() {
    for (count, replicas) in [(2, 1), (3, 1), (7, 1), (7, 2), (20, 2)] {
        let share = usize::from(PARTITIONS) * replicas / count;
        for node in 0..count {
            let own = of(node, count, replicas).own().len();
            assert!(own <= share + share / 3, "{own}, a share is {share}");
        }
    }
}

/// While lists are changed node by node, no partition may be without an owner.
#[test]
fn partitions_move_to_the_newcomer_only() {
    for (count, replicas) in [(1, 1), (3, 1), (6, 2), (10, 3)] {
        let (before, after) = (of(0, count, replicas), of(0, count + 1, replicas));
        let newcomer = &members(count + 1)[count];
        let mut moved = 0;
        for partition in (0..PARTITIONS).map(Partitions::only) {
            let (had, has) = (before.owners_of(&partition), after.owners_of(&partition));
            for new in has.iter().filter(|name| !had.contains(name)) {
                assert_eq!(&**new, newcomer);
                moved += 1;
            }
        }
        assert_eq!(moved, of(count, count + 1, replicas).own().len());
    }
}

/// The hash is a promise: brokers keep bindings by it, and members of other versions share it.
#[test]
fn the_partition_of_a_realm_never_changes() {
    let known = [
        ("a.example.com", 934),
        ("A.Example.COM", 934),
        ("häuschen.example.com", 363),
        ("", 409),
    ];
    for (realm, at) in known {
        assert_eq!(partition(realm), at, "{realm}");
    }
    let owners = of(0, 3, 1).owners;
    let first: Vec<usize> = owners.iter().take(12).map(|owners| owners[0]).collect();
    assert_eq!(first, [2, 2, 1, 0, 0, 2, 1, 0, 1, 1, 2, 2]);
}

#[test]
fn what_cannot_be_is_refused() {
    let members = members(3);
    let new = |node: &str, members: &[String], replicas| {
        Division::new(node, members, replicas, TIMEOUT)
            .unwrap_err()
            .to_string()
    };
    assert!(new("rollcall@9", &members, 1).contains("\"rollcall@9\" is not among the members"));
    assert!(new(&members[0], &members, 4).contains("4 replicas take as many members"));
    assert!(new(&members[0], &members, 0).contains("one replica"));
    let twice = [members[1].clone(), members[0].clone(), members[1].clone()];
    assert!(new(&members[0], &twice, 1).contains("twice"));
}

#[test]
fn order_and_spelling_of_the_list_do_not_matter() {
    let mut turned = members(5);
    turned.reverse();
    let node = turned[2].clone();
    let turned = Division::new(&node, &turned, 2, TIMEOUT).unwrap();
    assert_eq!(turned.own(), of(2, 5, 2).own());
}

proptest! {
    #[test]
    fn a_set_is_read_back(some in proptest::collection::vec(0..PARTITIONS, 0..40)) {
        let mut set = Partitions::default();
        for partition in &some {
            set.insert(*partition);
        }
        prop_assert_eq!(Partitions::from_hex(&set.to_hex()), Some(set));
        prop_assert!(some.iter().all(|partition| set.has(*partition)));
        prop_assert_eq!(set.len(), set.iter().count());
        prop_assert_eq!(Partitions::ALL.without(&set).len() + set.len(), usize::from(PARTITIONS));
    }

    #[test]
    fn whatever_is_no_set_is_none(text in "\\PC*") {
        let _ = Partitions::from_hex(&text);
    }

    #[test]
    fn every_realm_has_a_partition(realm in "\\PC*") {
        prop_assert!(partition(&realm) < PARTITIONS);
    }
}

//! Each request, and what it is refused for.

use super::*;

#[test]
fn a_domain_finds_what_the_tools_put_there() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::READ, "domid\0"), ok("1"));
    assert_eq!(guest.ask(abi::READ, "/local/domain/1/name\0"), ok("guest"));
    assert_eq!(guest.ask(abi::READ, "memory/target\0"), ok("131072"));
    assert_eq!(guest.ask(abi::READ, "store/ring-ref\0"), ok("3"));
    assert_eq!(guest.ask(abi::READ, "control/shutdown\0"), ok(""));
    let vm = guest.ask(abi::READ, "vm\0").unwrap();
    assert_eq!(guest.ask(abi::READ, &format!("{vm}/name\0")), ok("guest"));
    let uuid = guest.ask(abi::READ, &format!("{vm}/uuid\0")).unwrap();
    assert_eq!(uuid, "00000000-0000-0000-0000-000000000001");
    assert_eq!(guest.ask(abi::DIRECTORY, "device\0"), ok("suspend\0"));
    assert_eq!(guest.ask(abi::DIRECTORY, "device/vbd\0"), err("ENOENT"));
    let own = "attr\0console\0control\0cpu\0data\0device\0domid\0drivers\0error\0feature\0memory\0name\0store\0vm\0";
    assert_eq!(guest.ask(abi::DIRECTORY, "/local/domain/1\0"), ok(own));
}

#[test]
fn what_is_written_is_read() {
    let mut guest = Guest::new();
    for value in ["a", "", "another\0with a NUL", "a"] {
        assert_eq!(guest.ask(abi::WRITE, &format!("data/x\0{value}")), ok("OK\0"));
        assert_eq!(guest.ask(abi::READ, "data/x\0"), ok(value));
    }
    assert_eq!(guest.ask(abi::WRITE, "data/a/b/c\0deep"), ok("OK\0"));
    assert_eq!(guest.ask(abi::READ, "data/a/b\0"), ok(""));
    assert_eq!(guest.ask(abi::DIRECTORY, "data\0"), ok("a\0x\0"));
    assert_eq!(guest.ask(abi::DIRECTORY, "data/a/b/c\0"), ok(""));
}

#[test]
fn a_node_can_be_made_and_removed() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::MKDIR, "data/a/b\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data/a/b\0value"), ok("OK\0"));
    assert_eq!(guest.ask(abi::MKDIR, "data/a/b\0"), ok("OK\0"), "it is there");
    assert_eq!(guest.ask(abi::READ, "data/a/b\0"), ok("value"));
    assert_eq!(guest.ask(abi::RM, "data/a\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::READ, "data/a/b\0"), err("ENOENT"));
    assert_eq!(guest.ask(abi::RM, "data/a\0"), ok("OK\0"), "its parent is there");
    assert_eq!(guest.ask(abi::RM, "data/a/b\0"), err("ENOENT"));
    assert_eq!(guest.ask(abi::RM, "/\0"), err("EINVAL"));
}

#[test]
fn what_is_not_the_domains_is_denied() {
    let mut guest = Guest::new();
    for (type_, path, error) in [
        (abi::READ, "/\0", "EACCES"),
        (abi::READ, "/local/domain/0/x\0", "EACCES"),
        (abi::READ, "/local/domain/2\0", "EACCES"),
        (abi::DIRECTORY, "/local/domain\0", "EACCES"),
        (abi::DIRECTORY, "/tool\0", "EACCES"),
        (abi::READ, "nothing\0", "ENOENT"),
        (abi::WRITE, "name\0x", "EACCES"),
        (abi::WRITE, "new\0x", "EACCES"),
        (abi::MKDIR, "device/vbd\0", "EACCES"),
        (abi::RM, "/local/domain/1\0", "EACCES"),
        (abi::RM, "control\0", "EACCES"),
        (abi::SET_PERMS, "control\0n1\0", "EACCES"),
        (abi::GET_PERMS, "/tool\0", "EACCES"),
    ] {
        assert_eq!(guest.ask(type_, path), err(error), "{path}");
    }
}

#[test]
fn permissions_are_the_owners_to_give() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::GET_PERMS, "device\0"), ok("n0\0r1\0"));
    assert_eq!(guest.ask(abi::GET_PERMS, "data\0"), ok("n1\0"));
    assert_eq!(guest.ask(abi::WRITE, "data/x\0y"), ok("OK\0"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0n1\0r2\0b3\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::GET_PERMS, "data/x\0"), ok("n1\0r2\0b3\0"));
    assert_eq!(guest.ask(abi::READ, "data/x\0"), ok("y"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0n2\0"), err("EPERM"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0n1\0n1\0n1\0n1\0n1\0n1\0"), err("ENOSPC"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0"), err("EINVAL"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/z\0n1\0"), err("ENOENT"));
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0r1\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::GET_PERMS, "data/x\0"), ok("r1\0"));
}

#[test]
fn a_malformed_request_is_invalid() {
    let mut guest = Guest::new();
    for (type_, payload) in [
        (abi::READ, ""),
        (abi::READ, "data"),
        (abi::READ, "data\0\0"),
        (abi::READ, "data/\0"),
        (abi::READ, "data//x\0"),
        (abi::READ, "da ta\0"),
        (abi::READ, "\0"),
        (abi::WRITE, "data"),
        (abi::MKDIR, "data/x"),
        (abi::WATCH, "data\0"),
        (abi::WATCH, "data\0t"),
        (abi::UNWATCH, "data\0"),
        (abi::TRANSACTION_START, ""),
        (abi::GET_DOMAIN_PATH, "x\0"),
        (abi::GET_DOMAIN_PATH, "65536\0"),
        (abi::IS_DOMAIN_INTRODUCED, "-1\0"),
        (abi::DIRECTORY_PART, "data\0"),
        (abi::DIRECTORY_PART, "data\0x\0"),
    ] {
        assert_eq!(guest.ask(type_, payload), err("EINVAL"), "{type_} {payload:?}");
    }
}

#[test]
fn requests_of_the_tools_are_theirs() {
    let mut guest = Guest::new();
    for type_ in [abi::CONTROL, abi::INTRODUCE, abi::RELEASE, abi::RESUME, abi::SET_TARGET] {
        assert_eq!(guest.ask(type_, "1\0"), err("EACCES"));
    }
    for type_ in [abi::WATCH_EVENT + 5, abi::TYPE_COUNT, abi::INVALID, u32::MAX] {
        assert_eq!(guest.ask(type_, "x\0"), err("ENOSYS"));
    }
}

#[test]
fn domains_are_told_about() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::GET_DOMAIN_PATH, "1\0"), ok("/local/domain/1\0"));
    assert_eq!(guest.ask(abi::GET_DOMAIN_PATH, "65535\0"), ok("/local/domain/65535\0"));
    assert_eq!(guest.ask(abi::GET_DOMAIN_PATH, "32752\0"), ok("/local/domain/1\0"));
    for (domain, is_there) in [("0", "T\0"), ("1", "T\0"), ("2", "F\0"), ("32752", "T\0")] {
        assert_eq!(guest.ask(abi::IS_DOMAIN_INTRODUCED, &format!("{domain}\0")), ok(is_there));
    }
}

#[test]
fn nodes_bytes_and_values_are_bounded() {
    let mut guest = Guest::new();
    let long = "v".repeat(MAX_VALUE_BYTES);
    assert_eq!(guest.ask(abi::WRITE, &format!("data/x\0{long}")), ok("OK\0"));
    assert_eq!(guest.ask(abi::READ, "data/x\0"), ok(&long));
    assert_eq!(guest.ask(abi::WRITE, &format!("data/x\0{long}v")), err("ENOSPC"));
    let values = (0..100).map(|n| guest.ask(abi::WRITE, &format!("data/{n}\0{long}")));
    let values: Vec<_> = values.collect();
    assert_eq!(values[0], ok("OK\0"));
    assert_eq!(values[99], err("ENOSPC"));
    assert_eq!(guest.ask(abi::RM, "data\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data\0"), err("EACCES"), "it was the tools' to make");

    let mut guest = Guest::new();
    let nodes = (0..1200).map(|n| guest.ask(abi::MKDIR, &format!("data/{n}\0")));
    let made = nodes.filter(|made| *made == ok("OK\0")).count();
    assert!((800..MAX_NODES).contains(&made), "{made}");
    assert_eq!(guest.ask(abi::MKDIR, "data/new\0"), err("ENOSPC"));
    assert_eq!(guest.ask(abi::RM, "data/1\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::MKDIR, "data/new\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::MKDIR, &format!("data{}\0", "/a".repeat(1000))), err("ENOSPC"));
}

#[test]
fn a_long_list_comes_in_parts() {
    let mut guest = Guest::new();
    let names: Vec<String> = (0..500).map(|n| format!("name-{n:05}")).collect();
    for name in &names {
        assert_eq!(guest.ask(abi::MKDIR, &format!("data/{name}\0")), ok("OK\0"));
    }
    assert_eq!(guest.ask(abi::DIRECTORY, "data\0"), err("E2BIG"));
    let mut list = String::new();
    loop {
        let part = guest.ask(abi::DIRECTORY_PART, &format!("data\0{}\0", list.len())).unwrap();
        let (generation, part) = part.split_once('\0').unwrap();
        assert!(generation.parse::<u64>().unwrap() > 500);
        if let Some(rest) = part.strip_suffix("\0\0") {
            list += rest;
            break;
        }
        list += part;
    }
    assert_eq!(list.split_terminator('\0').collect::<Vec<_>>(), names);
    let none = guest.ask(abi::DIRECTORY_PART, "data/name-00000\x000\0").unwrap();
    assert!(none.ends_with("\0\0"), "{none:?}");
}

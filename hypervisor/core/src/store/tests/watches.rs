//! What is watched is told, once for each change and watch.

use super::*;

#[test]
fn a_watch_fires_at_once_and_at_changes() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::WATCH, "data/x\0one\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("data/x", "one")]);
    assert_eq!(guest.ask(abi::WRITE, "data/x\0y"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data/x/below\0y"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data/y\0y"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("data/x", "one"), event("data/x/below", "one")]);
    assert_eq!(guest.ask(abi::SET_PERMS, "data/x\0r1\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("data/x", "one")]);
    assert_eq!(guest.ask(abi::RM, "data\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("data/x", "one")]);
    assert_eq!(guest.ask(abi::UNWATCH, "data/x\0one\0"), ok("OK\0"));
    guest.store.write(b"/local/domain/1/data/x", b"z").unwrap();
    assert_eq!(guest.take_events(), []);
}

#[test]
fn each_watch_is_told_in_its_own_words() {
    let mut guest = Guest::new();
    for payload in ["data\0a\0", "/local/domain/1/data\0b\0", "/\0c\0", "@releaseDomain\0d\0"] {
        assert_eq!(guest.ask(abi::WATCH, payload), ok("OK\0"), "{payload:?}");
    }
    let absolute = "/local/domain/1/data";
    let first = [event("data", "a"), event(absolute, "b"), event("/", "c")];
    assert_eq!(guest.take_events(), [&first[..], &[event("@releaseDomain", "d")]].concat());
    assert_eq!(guest.ask(abi::WRITE, "data\0"), ok("OK\0"));
    assert_eq!(
        guest.take_events(),
        [event("data", "a"), event(absolute, "b"), event(absolute, "c")]
    );
}

#[test]
fn changes_out_of_sight_are_not_told() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::WATCH, "/\0t\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [event("/", "t")]);
    guest.store.write(b"/local/domain/0/secret", b"").unwrap();
    guest.store.write(b"/local/domain/1/name", b"new").unwrap();
    assert_eq!(guest.take_events(), [event("/local/domain/1/name", "t")]);
}

#[test]
fn the_tools_can_ask_for_an_end() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::WATCH, "control/shutdown\0s\0"), ok("OK\0"));
    guest.take_events();
    guest.store.ask_shutdown(ONE, "poweroff").unwrap();
    assert_eq!(guest.take_events(), [event("control/shutdown", "s")]);
    assert_eq!(guest.ask(abi::READ, "control/shutdown\0"), ok("poweroff"));
    assert_eq!(guest.ask(abi::WRITE, "control/shutdown\0"), ok("OK\0"));
    assert_eq!(guest.store.read(b"/local/domain/1/control/shutdown"), Ok(&b""[..]));
}

#[test]
fn watches_are_bounded() {
    let mut guest = Guest::new();
    let made = (0..3000).filter(|n| {
        let made = guest.ask(abi::WATCH, &format!("data\0{n}\0"));
        assert!(made == ok("OK\0") || made == err("E2BIG"), "{made:?}");
        made.is_ok()
    });
    assert_eq!(made.count(), MAX_WATCHES);
    assert_eq!(guest.take_events().len(), MAX_WATCHES);
    assert_eq!(guest.ask(abi::WATCH, "data\x00new\0"), err("E2BIG"), "another token");
    assert_eq!(guest.ask(abi::WATCH, "data\x001\0"), err("EEXIST"));
    assert_eq!(guest.ask(abi::UNWATCH, "data\x00nobody\0"), err("ENOENT"));
    assert_eq!(guest.ask(abi::WRITE, "data\0"), ok("OK\0"));
    assert_eq!(guest.take_events().len(), MAX_WATCHES);
    assert_eq!(guest.ask(abi::RESET_WATCHES, "\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::WRITE, "data\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), []);
    let token = "t".repeat(MAX_TOKEN_BYTES);
    assert_eq!(guest.ask(abi::WATCH, &format!("data\0{token}\0")), ok("OK\0"));
    assert_eq!(guest.ask(abi::WATCH, &format!("data\0{token}t\0")), err("EINVAL"));
    let made =
        (0..100).take_while(|n| guest.ask(abi::WATCH, &format!("data/{n}\0{token}\0")).is_ok());
    assert!(made.count() < 20, "their bytes are bounded too");
}

#[test]
fn who_does_not_read_is_not_told_more() {
    let mut guest = Guest::new();
    assert_eq!(guest.ask(abi::WATCH, "control\0t\0"), ok("OK\0"));
    guest.take_events();
    let written = (0..5000).take_while(|n| {
        let path = format!("/local/domain/1/control/{n}");
        guest.serve();
        guest.store.write(path.as_bytes(), b"").is_ok()
    });
    let written = written.count();
    assert!((100..1000).contains(&written), "{written}");
    let told = guest.take_events();
    assert_eq!(told.len(), written);
    assert_eq!(told.last(), Some(&event(&format!("control/{}", written - 1), "t")));
}

use super::*;

#[test]
fn an_empty_description_means_pass_and_poweroff() {
    let spec: Spec = toml::from_str("").unwrap();
    assert_eq!((spec.verdict, spec.end), (Expected::Pass, End::Poweroff));
    assert_eq!((spec.kind, spec.machine()), (Kind::Scenario, Machine::Bochs));
    assert_eq!((spec.timeout, spec.min_checks), (20, 1));
    assert_eq!(spec.image.guest, Guest::Own);
}

#[test]
fn every_key_is_read() {
    let spec: Spec = toml::from_str(
        r#"
            description = "d"
            kind = "bench"
            bin = "other"
            verdict = "none"
            end = "boot-error"
            memory = "64M"
            machine_memory = "256M"
            append = "a b"
            ramdisk = "pattern:4096"
            hypervisor = "log=debug"
            timeout = 5
            cpu = "tigerlake"
            machine = "qemu-tcg"
            console = ["one", "two"]
            log = ["three"]
            absent = ["panic"]
            min_checks = 7
            image = { guest = "paired-kernel", patch = [
                { do = "elf32" }, { do = "machine", number = 183 }, { do = "drop-notes" }, { do = "drop-note-sections" },
                { do = "drop-note", note = 1 }, { do = "set-note", note = 3, value = 0x10 },
                { do = "segment", index = 1, paddr = 0x1000, memsz = 1 }, { do = "overlap" },
                { do = "truncate", bytes = 10 },
            ] }
            input = [{ after = ">", send = "help\n" }]
            "#,
    )
    .unwrap();
    assert_eq!((spec.kind, spec.verdict, spec.end), (Kind::Bench, Expected::None, End::BootError));
    assert_eq!(
        (spec.memory, spec.machine_memory),
        (Some(Size::from_mib(64)), Some(Size::from_mib(256)))
    );
    assert_eq!((spec.machine(), spec.timeout, spec.min_checks), (Machine::QemuTcg, 5, 7));
    assert_eq!((spec.console.len(), spec.log.len(), spec.absent.len()), (2, 1, 1));
    assert_eq!(spec.image.patch.len(), 9);
    assert_eq!(spec.input, [Typing { after: ">".into(), send: "help\n".into() }]);
    assert_eq!((spec.cpu.as_deref(), spec.bin.as_deref()), (Some("tigerlake"), Some("other")));
    assert_eq!((spec.append.as_str(), spec.hypervisor.as_str()), ("a b", "log=debug"));
    assert_eq!((spec.ramdisk.as_deref(), spec.description.as_str()), (Some("pattern:4096"), "d"));
}

#[test]
fn a_bare_kernel_runs_in_qemu_unless_told() {
    let machine = |text| toml::from_str::<Spec>(text).unwrap().machine();
    assert_eq!(machine("environment = \"bare\""), Machine::QemuTcg);
    assert_eq!(machine("environment = \"bare\"\nmachine = \"bochs\""), Machine::Bochs);
    assert_eq!(machine("environment = \"xenolith\""), Machine::Bochs);
}

#[test]
fn what_is_misspelt_is_refused() {
    for text in [
        "verdcit = \"pass\"",
        "verdict = \"passed\"",
        "end = \"halt\"",
        "memory = \"64MB\"",
        "machine = \"qemu\"",
        "timeout = -1",
        "image = { guest = \"nothing\" }",
        "image = { patch = [{ do = \"elf33\" }] }",
        "input = [{ send = \"x\" }]",
    ] {
        assert!(toml::from_str::<Spec>(text).is_err(), "{text}");
    }
}

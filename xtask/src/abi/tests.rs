//! The check is checked: each kind of fault is planted in a copy of the package and must be found.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Result;

use super::question::Subject;
use super::without_header::WithoutHeader;
use super::{Inventory, Probe, comparison};

/// The manifest of a copy of the package outside of the workspace.
const MANIFEST: &str = "\
[package]
name = \"xenolith-abi\"
edition = \"2024\"

[dependencies]
zerocopy = { version = \"0.8\", default-features = false, features = [\"derive\"] }
";

/// A change to a file of the package: what is replaced, and by what.
type Edit<'a> = (&'a str, &'a str, &'a str);

/// Whether Xen's headers are installed; what needs them says so and does nothing without them.
fn headers_are_installed() -> bool {
    let installed = Probe::of_workspace().include.join("xen/xen.h").is_file();
    if !installed {
        eprintln!("skipped: libxen-dev is not installed");
    }
    installed
}

/// Compares a copy of the package that has the edits with the headers.
fn compare_with(edits: &[Edit<'_>]) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut probe = Probe::of_workspace();
    let sources = directory.path().join("src");
    fs::create_dir(&sources)?;
    fs::write(directory.path().join("Cargo.toml"), MANIFEST)?;
    for entry in fs::read_dir(probe.package.join("src"))? {
        let entry = entry?;
        // The package's own assertions must not be what finds the fault.
        let text = fs::read_to_string(entry.path())?;
        let is_assertion = |line: &&str| line.starts_with("const _: () = assert!(");
        let text = text.lines().filter(|line| !is_assertion(line)).collect::<Vec<_>>().join("\n");
        fs::write(sources.join(entry.file_name()), text)?;
    }
    for (file, from, to) in edits {
        let text = fs::read_to_string(sources.join(file))?;
        assert_eq!(text.matches(from).count(), 1, "{file} does not have one {from}");
        fs::write(sources.join(file), text.replace(from, to))?;
    }
    probe.package = directory.path().to_owned();
    probe.compare(&probe.inventory()?)
}

/// The message with which the comparison of a faulty copy fails.
fn complaint_about(edits: &[Edit<'_>]) -> String {
    format!("{:#}", compare_with(edits).expect_err("the fault was not found"))
}

#[test]
fn the_package_agrees_with_the_headers() {
    if headers_are_installed() {
        compare_with(&[]).unwrap();
    }
}

#[test]
fn every_wrong_answer_is_found_and_nothing_else_is() {
    if !headers_are_installed() {
        return;
    }
    let complaint = complaint_about(&[
        // A number, a negative number, one in the top bit, assembler text.
        ("sched.rs", "BLOCK: u32 = 1", "BLOCK: u32 = 7"),
        ("grant.rs", "BAD_GNTREF: i16 = -3", "BAD_GNTREF: i16 = 3"),
        ("vcpu.rs", "1 << 63", "1 << 62"),
        ("cpuid.rs", "0x65, 0x6e]", "0x65, 0x6f]"),
        // Two offsets, by swapping two fields of the same size.
        ("shared_info.rs", "pub wc_sec: u32", "pub wc_nsec: u32"),
        (
            "shared_info.rs",
            "pub wc_nsec: u32,\n    /// Seconds",
            "pub wc_sec: u32,\n    /// Seconds",
        ),
        // A size, a sign, and a field that hides behind the name of padding.
        ("nmi.rs", "    pub pad: u64", "    pub pad: [u64; 2]"),
        ("time.rs", "pub tsc_shift: i8", "pub tsc_shift: u8"),
        ("time.rs", "pub pad0: u32", "pub padding0: u32"),
    ]);
    for expected in [
        "sched::BLOCK is 7, SCHEDOP_block is 1",
        "grant::BAD_GNTREF is 3, GNTST_bad_gntref is -3",
        "vcpu::RUNSTATE_UPDATE is 4611686018427387904, XEN_RUNSTATE_UPDATE is 9223372036854775808",
        "cpuid::EMULATE_PREFIX is 0f0b78656f, XEN_EMULATE_PREFIX is 0f0b78656e",
        "(struct shared_info.wc_nsec) starts at 3080 in C, 3076 here",
        "(struct shared_info.wc_sec) starts at 3076 in C, 3080 here",
        "nmi::Callback has 24 bytes, struct xennmi_callback has 16",
        "(struct xennmi_callback.pad) has size 8 in C, 16 here",
        "(struct vcpu_time_info.tsc_shift) has size 1 signed in C, 1 here",
        "time::VcpuTimeInfo has padding at [4..8], struct vcpu_time_info at []",
    ] {
        assert!(complaint.contains(expected), "no {expected:?} in:\n{complaint}");
    }
    assert!(complaint.starts_with("10 disagreements"), "{complaint}");
}

#[test]
fn an_item_or_a_field_without_a_c_name_is_found_with_its_line() {
    if !headers_are_installed() {
        return;
    }
    let complaint = complaint_about(&[
        ("nmi.rs", "#[doc(alias = \"XENNMI_register_callback\")]\n", ""),
        ("mmu.rs", "pub ptr: u64", "pub pointer: u64"),
    ]);
    assert!(complaint.contains("abi/src/nmi.rs:"), "{complaint}");
    assert!(complaint.contains("REGISTER_CALLBACK"), "{complaint}");
    assert!(complaint.contains("abi/src/mmu.rs:"), "{complaint}");
    assert!(complaint.contains("no member named 'pointer'"), "{complaint}");
}

#[test]
fn missing_headers_are_named_with_the_package_that_has_them() {
    let empty = tempfile::tempdir().unwrap();
    let mut probe = Probe::of_workspace();
    probe.include = empty.path().to_owned();
    let complaint = probe.compare(&probe.inventory().unwrap()).unwrap_err().to_string();
    assert!(complaint.contains("libxen-dev"), "{complaint}");
}

/// The problems of a package whose module `part` has this text.
fn problems_of(text: &str, exempt: &[WithoutHeader]) -> Vec<String> {
    let package = tempfile::tempdir().unwrap();
    let sources = package.path().join("src");
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join("lib.rs"), "pub mod part;").unwrap();
    fs::write(sources.join("part.rs"), text).unwrap();
    Inventory::of(package.path(), exempt).unwrap().problems
}

#[test]
fn what_could_hide_a_number_is_a_problem() {
    for (item, problem) in [
        ("numbers! { pub const A: u32 = 1; }", "kind that cannot be compared"),
        ("macro_rules! numbers { () => {} }", "kind that cannot be compared"),
        ("pub enum A { B = 1 }", "kind that cannot be compared"),
        ("pub static A: u32 = 1;", "kind that cannot be compared"),
        ("pub fn a() -> u32 { 1 }", "kind that cannot be compared"),
        ("impl A { pub const B: u32 = 1; }", "kind that cannot be compared"),
        ("pub union A { b: u32 }", "kind that cannot be compared"),
        ("const A: u32 = 1;", "A is private"),
        ("pub(crate) const A: u32 = 1;", "A is private"),
        ("#[repr(C)] pub struct A { b: u32 }", "b is private"),
        ("#[cfg(feature = \"b\")] pub const A: u32 = 1;", "A is conditional"),
        ("#[repr(C)] pub struct A { #[cfg(test)] pub b: u32 }", "b is conditional"),
        ("#[cfg(test)] pub mod a;", "a is conditional"),
        ("#[path = \"b.rs\"] pub mod a;", "a is conditional"),
        ("pub mod a { pub const B: u32 = 1; }", "module within the file"),
        ("mod a;", "a is private"),
        ("pub const A: f64 = 1.0;", "type that cannot be compared"),
        ("pub const A: &str = \"b\";", "type that cannot be compared"),
        ("#[doc(alias = \"1\")] pub const A: u32 = 1;", "no C name"),
        ("#[doc(alias = \"(1)\")] pub const A: u32 = 1;", "no C name"),
        ("pub struct A { pub b: u32 }", "not have C's layout"),
        ("#[repr(C)] pub struct A<T> { pub b: T }", "not have C's layout"),
        ("#[repr(C)] pub struct A(pub u32);", "fields without names"),
    ] {
        let problems = problems_of(&format!("//! `xen/xen.h`\n{item}"), &[]);
        assert_eq!(problems.len(), 1, "{item}: {problems:?}");
        assert!(problems[0].contains(problem), "{item}: {problems:?}");
    }
}

#[test]
fn a_module_names_its_header() {
    let problems = problems_of("//! Numbers.\npub const A: u32 = 1;", &[]);
    assert_eq!(
        problems,
        ["abi/src/part.rs:1: the module's documentation names no header as its source"]
    );
}

#[test]
fn the_list_of_items_without_header_must_be_true() {
    let list = [WithoutHeader { path: "part::A", reason: "ours" }];
    let with_alias = "#[doc(alias = \"B\")]\npub const A: u32 = 1;";
    assert_eq!(problems_of("pub const A: u32 = 1;", &list), Vec::<String>::new());
    assert!(problems_of(with_alias, &list)[0].contains("has an alias"));
    assert!(problems_of("", &list)[0].contains("is gone"));
    // A name that only begins like a listed one is not listed.
    assert!(!problems_of("pub const AB: u32 = 1;", &list).is_empty());
}

#[test]
fn each_question_is_answered_once() {
    assert_eq!(comparison::parse("1 b\n0 a c\n", 2).unwrap(), ["a c", "b"]);
    for wrong in ["0 a\n", "0 a\n0 a\n1 b\n", "0 a\n1 b\n2 c\n", "0 a\n1\n", "a 0\n1 b\n", ""] {
        assert!(comparison::parse(wrong, 2).is_err(), "{wrong:?}");
    }
}

/// How many items of the package have a question that is `wanted`.
fn asked(inventory: &Inventory, wanted: fn(&Subject) -> bool) -> usize {
    let wanted = inventory.questions.iter().filter(|question| wanted(&question.subject));
    wanted.map(|question| question.location.to_string()).collect::<BTreeSet<_>>().len()
}

#[test]
fn the_package_is_read_whole() {
    let probe = Probe::of_workspace();
    let inventory = probe.inventory().unwrap();
    let text: String = fs::read_dir(probe.package.join("src"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    // A memory map's entry and an event's arrival, with three fields each, are the structures
    // without a header.
    let exempt_constants = inventory.without_header.len() - 2;
    let numbers =
        asked(&inventory, |it| matches!(it, Subject::Number { .. } | Subject::Bytes { .. }));
    assert_eq!(numbers, lines("pub const ") - exempt_constants);
    let sizes = asked(&inventory, |it| matches!(it, Subject::Size { .. }));
    assert_eq!(sizes, lines("pub struct ") + lines("pub type ") - 2);
    let fields = asked(&inventory, |it| matches!(it, Subject::Offset(_)));
    assert_eq!(fields, lines("    pub ") - lines("    pub padding") - 6);
    assert!(numbers > 450 && sizes > 80 && fields > 280);
}

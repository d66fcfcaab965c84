use std::io::Read;

use cpio::newc::Reader;

use super::*;

/// Name, mode and content of all entries.
fn entries(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = archive;
    loop {
        let mut reader = Reader::new(rest).unwrap();
        if reader.entry().is_trailer() {
            return found;
        }
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        found.push((reader.entry().name().to_owned(), reader.entry().mode(), content));
        rest = reader.finish().unwrap();
    }
}

/// Packages with modules of which one needs another.
fn packages(root: &Path) -> Packages {
    let modules = root.join("6.1");
    fs::create_dir_all(modules.join("kernel/drivers")).unwrap();
    fs::write(modules.join("kernel/drivers/dummy.ko"), b"x\0depends=\0y").unwrap();
    fs::write(modules.join("kernel/xen-blkfront.ko"), b"\0depends=bus,builtin\0").unwrap();
    fs::write(modules.join("kernel/bus.ko"), b"no text").unwrap();
    fs::write(modules.join("kernel/other.ko"), b"").unwrap();
    fs::write(root.join("busybox"), b"program").unwrap();
    Packages { kernel: "/k".into(), modules: Some(modules), busybox: root.join("busybox") }
}

#[test]
fn the_archive_holds_what_a_userspace_needs() {
    let root = tempfile::tempdir().unwrap();
    let packages = packages(root.path());
    let program = root.path().join("busybox");
    let archive = bytes(&packages, Some(&program)).unwrap();
    assert_eq!(archive, bytes(&packages, Some(&program)).unwrap(), "twice the same");
    let entries = entries(&archive);
    let of = |name: &str| entries.iter().find(|it| it.0 == name).unwrap();
    assert_eq!((of("etc/rc").1, of("dev/console").1), (0o100_755, 0o020_600));
    assert_eq!((of("bin").1, of("init").1), (0o040_755, 0o120_777));
    for command in ["init", "bin/sh", "sbin/poweroff", "sbin/reboot"] {
        assert_eq!(of(command).2, b"/bin/busybox", "{command}");
    }
    assert_eq!(
        (of("bin/busybox").2.as_slice(), of("bin/workload").1),
        (&b"program"[..], 0o100_755)
    );
    for (at, (name, ..)) in entries.iter().enumerate() {
        if let Some((parent, _)) = name.rsplit_once('/') {
            assert!(entries[..at].iter().any(|it| it.0 == parent), "{name} before its directory");
        }
    }
}

#[test]
fn modules_come_with_what_they_need() {
    let root = tempfile::tempdir().unwrap();
    let archive = bytes(&packages(root.path()), None).unwrap();
    let entries = entries(&archive);
    let names: Vec<_> = entries.iter().map(|it| it.0.as_str()).collect();
    for name in ["dummy", "xen-blkfront", "bus"] {
        assert!(names.contains(&format!("lib/modules/6.1/{name}.ko").as_str()), "{name}");
    }
    assert!(!names.iter().any(|name| name.contains("other")));
    let index = entries.iter().find(|it| it.0 == "lib/modules/6.1/modules.dep").unwrap();
    let index = String::from_utf8(index.2.clone()).unwrap();
    assert_eq!(index, "bus.ko:\ndummy.ko:\nxen-blkfront.ko: bus.ko builtin.ko\n");
}

#[test]
fn a_kernel_without_modules_has_an_initramfs_too() {
    let root = tempfile::tempdir().unwrap();
    let named = Packages { modules: None, ..packages(root.path()) };
    assert!(
        entries(&bytes(&named, None).unwrap()).iter().all(|it| !it.0.starts_with("lib/modules/"))
    );
    let missing = Packages { busybox: root.path().join("missing"), ..named };
    assert!(bytes(&missing, None).is_err());
}

use std::time::Instant;

use super::*;
use crate::disk::{Access, Disk};
use crate::machine::process;

/// Keeps what the console said.
#[derive(Default)]
struct Keep {
    said: Vec<u8>,
    connected: usize,
}

impl Listener for Keep {
    fn connected(&mut self, _console: TcpStream) {
        self.connected += 1;
    }

    fn console(&mut self, bytes: &[u8]) {
        self.said.extend_from_slice(bytes);
    }
}

/// Watches a shell script in place of an emulator; `PORT` in it is the console's.
fn watch(script: &str, limit: Option<Duration>) -> (Result<Finish>, Keep) {
    let directory = tempfile::tempdir().unwrap();
    let watch = Watch::prepare().unwrap();
    let mut command = process::ending_with_us("bash");
    command.arg("-c").arg(script.replace("PORT", &watch.port().unwrap().to_string()));
    let mut keep = Keep::default();
    let finish = watch.run(command, directory.path(), limit, &mut keep);
    (finish, keep)
}

/// Opens the console as descriptor 3.
const DIAL: &str = "exec 3<>/dev/tcp/127.0.0.1/PORT;";

#[test]
fn console_and_verdict_arrive_whole() {
    let script = format!("{DIAL} echo hello >&3; echo xenolith-verdict: reboot; echo world >&3");
    let (finish, keep) = watch(&script, Some(Duration::from_secs(30)));
    assert_eq!(finish.unwrap(), Finish::Ended(End::Reboot));
    assert_eq!((keep.connected, keep.said.as_slice()), (1, b"hello\nworld\n".as_slice()));
}

/// What a shell script prints for a record by which four bytes and the rest of a sector are written.
const WRITE: &str = r"printf '\036\002\000\000\000\002\000\000\001\000\000\000\000\000\000\000abcd';
    head -c 508 /dev/zero;";

/// Watches a script that has a disk; tells what is on the disk in the end.
fn watch_disk(script: &str) -> (Result<Finish>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("disk");
    std::fs::write(&path, [7; 1024]).unwrap();
    let mut watch = Watch::prepare().unwrap();
    watch.disk_to(Disk { path: path.clone(), access: Access::ReadWrite }.open().unwrap());
    let mut command = process::ending_with_us("bash");
    command.arg("-c").arg(script);
    let limit = Some(Duration::from_secs(2));
    let finish = watch.run(command, directory.path(), limit, &mut Keep::default());
    (finish, std::fs::read(path).unwrap())
}

#[test]
fn what_was_written_before_the_end_is_on_the_disk() {
    let expected = [&[7; 512][..], b"abcd", &[0; 508]].concat();
    let ending = format!("{WRITE} echo xenolith-verdict: poweroff");
    assert_eq!(watch_disk(&ending).1, expected);
    // As Ctrl-C ends it, and in the midst of the next record.
    let hanging = format!("{WRITE} printf '\\036\\002'; exec sleep 60");
    let (finish, content) = watch_disk(&hanging);
    assert_eq!((finish.unwrap(), content), (Finish::Ended(End::Timeout), expected));
}

#[test]
fn a_write_beside_the_disk_is_an_error() {
    let beside = WRITE.replace(r"\001", r"\002");
    let (finish, content) = watch_disk(&beside);
    assert!(finish.unwrap_err().to_string().contains("where it is not"));
    assert_eq!(content, [7; 1024]);
}

#[test]
fn a_run_without_a_verdict_is_told_apart() {
    let (finish, _) = watch("echo nothing to say", None);
    assert_eq!(finish.unwrap(), Finish::Ended(End::NoVerdict));
}

#[test]
fn a_hanging_run_is_ended_at_its_limit_and_keeps_its_output() {
    let start = Instant::now();
    let limit = Some(Duration::from_millis(500));
    let (finish, keep) = watch(&format!("{DIAL} echo hello >&3; exec sleep 60"), limit);
    assert_eq!(finish.unwrap(), Finish::Ended(End::Timeout));
    assert_eq!(keep.said, b"hello\n");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_machine_that_stays_after_its_verdict_is_ended_and_reported() {
    let (finish, _) = watch("echo xenolith-verdict: poweroff; exec sleep 60", None);
    assert_eq!(finish.unwrap(), Finish::Stuck(End::Poweroff));
}

#[test]
fn two_verdicts_or_an_unknown_one_are_errors() {
    let two = "echo xenolith-verdict: poweroff; echo xenolith-verdict: crash";
    assert!(watch(two, None).0.unwrap_err().to_string().contains("two verdicts"));
    let unknown = watch("echo xenolith-verdict: fine", None).0.unwrap_err();
    assert!(unknown.to_string().contains("unknown verdict `fine`"));
}

#[test]
fn a_signal_ends_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let watch = Watch::prepare().unwrap();
    let mut command = process::ending_with_us("sleep");
    command.arg("60");
    watch.sender().send(Event::Signal(2)).unwrap();
    let finish = watch.run(command, directory.path(), None, &mut Keep::default());
    assert_eq!(finish.unwrap(), Finish::Interrupted(2));
}

#[test]
fn a_program_that_is_missing_has_no_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let watch = Watch::prepare().unwrap();
    let command = process::ending_with_us("nonexistent-emulator");
    let finish = watch.run(command, directory.path(), None, &mut Keep::default()).unwrap();
    assert_eq!(finish, Finish::Ended(End::NoVerdict));
    let errors = std::fs::read_to_string(directory.path().join("emulator.err")).unwrap();
    assert!(errors.contains("nonexistent-emulator"), "{errors}");
}

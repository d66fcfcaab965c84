use std::time::Instant;

use super::*;
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

//! What is typed, on its way to the guest.
//!
//! A serial port holds sixteen bytes and drops the rest, so a key press goes out at once, but what
//! comes in bulk (a paste, a pipe) goes in small pieces, each when the console has been quiet for a
//! moment. Nothing goes out before the guest's side has said its first word: the hypervisor empties
//! the port when it starts. The end of a pipe is passed on as Ctrl-D.

use std::io::{IsTerminal, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The most bytes that go out at once: half of what a serial port holds.
const PIECE: usize = 8;

/// How long the console must have been quiet before the next piece.
const QUIET: Duration = Duration::from_millis(30);

/// The longest wait for quiet, for guests that never stop talking.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait for the first word, for guests that never say one.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// How often a wait looks again.
const STEP: Duration = Duration::from_millis(5);

/// Ctrl-D: the end of the input, as terminals write it.
const END_OF_INPUT: u8 = 4;

/// When the console last said something.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    start: Instant,
    /// Milliseconds from `start`, plus one; zero for never.
    last: Arc<AtomicU64>,
}

impl Activity {
    /// A console that has said nothing yet.
    pub(crate) fn none_yet() -> Self {
        Self { start: Instant::now(), last: Arc::default() }
    }

    /// The console says something now.
    pub(crate) fn note(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed.saturating_add(1), Ordering::Relaxed);
    }

    /// How long it has been quiet; nothing if it never said a word.
    fn quiet(&self) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed).checked_sub(1)?);
        Some(self.start.elapsed().saturating_sub(last))
    }

    /// Waits for the console's first word.
    fn wait_for_first_word(&self) {
        wait(LONGEST_SILENCE, || self.quiet().is_some());
    }

    /// Waits until the console has been quiet for a moment.
    fn wait_for_quiet(&self) {
        let sent = Instant::now();
        wait(LONGEST_WAIT, || {
            sent.elapsed() >= QUIET && self.quiet().is_none_or(|quiet| quiet >= QUIET)
        });
    }
}

/// Waits until `done`, but not for ever.
fn wait(limit: Duration, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() && start.elapsed() < limit {
        thread::sleep(STEP);
    }
}

/// Carries standard input to `console` in a thread of its own.
pub(crate) fn carry_stdin(console: TcpStream, activity: Activity) {
    let stdin = std::io::stdin();
    let at_end = if stdin.is_terminal() { None } else { Some(END_OF_INPUT) };
    // Ends with the program; a failing write means that the machine is gone.
    thread::spawn(move || carry(stdin, console, at_end, &activity));
}

/// What the hypervisor takes for the wish that the domain power off.
const ASK_FOR_POWEROFF: &[u8] = b"\x01\x01\x01p";

/// Asks the domain to power off, `after` this time, in a thread of its own.
pub(crate) fn ask_for_poweroff(mut console: impl Write + Send + 'static, after: Duration) {
    thread::spawn(move || {
        thread::sleep(after);
        // As above.
        let _ = console.write_all(ASK_FOR_POWEROFF);
    });
}

/// Carries `source` to `console`, and `at_end` after it.
fn carry(
    mut source: impl Read,
    mut console: impl Write,
    at_end: Option<u8>,
    activity: &Activity,
) -> Option<()> {
    activity.wait_for_first_word();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        send_paced(&buffer[..count], &mut console, activity)?;
    }
    console.write_all(at_end.as_slice()).ok()
}

/// Sends `bytes` in pieces that a serial port can hold.
pub(crate) fn send_paced(
    bytes: &[u8],
    console: &mut impl Write,
    activity: &Activity,
) -> Option<()> {
    for piece in pieces(bytes) {
        console.write_all(piece).and_then(|()| console.flush()).ok()?;
        if piece.len() > 1 || bytes.len() > 1 {
            activity.wait_for_quiet();
        }
    }
    Some(())
}

/// Cuts `bytes` after each line and into pieces of a bounded size.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'));
    lines.flat_map(|line| line.chunks(PIECE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_a_serial_port_and_lose_nothing() {
        let bytes = b"help\nversion --all of it\n\nx";
        let pieces: Vec<_> = pieces(bytes).collect();
        let expected: [&[u8]; 6] = [b"help\n", b"version ", b"--all of", b" it\n", b"\n", b"x"];
        assert_eq!(pieces, expected);
        assert_eq!(pieces.concat(), bytes);
    }

    #[test]
    fn a_pipe_arrives_whole_with_its_end() {
        let activity = Activity::none_yet();
        activity.note();
        let mut console = Vec::new();
        carry(b"help\npoweroff\n".as_slice(), &mut console, Some(END_OF_INPUT), &activity).unwrap();
        assert_eq!(console, b"help\npoweroff\n\x04");
    }

    #[test]
    fn a_poweroff_is_asked_for_in_time() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let start = Instant::now();
        ask_for_poweroff(writer, Duration::from_millis(50));
        let mut asked = Vec::new();
        reader.read_to_end(&mut asked).unwrap();
        assert_eq!(asked, ASK_FOR_POWEROFF);
        assert!(start.elapsed() >= Duration::from_millis(50));
    }

    #[test]
    fn nothing_goes_out_before_the_first_word() {
        let activity = Activity::none_yet();
        assert_eq!(activity.quiet(), None);
        let waiter = thread::spawn({
            let activity = activity.clone();
            move || activity.wait_for_first_word()
        });
        thread::sleep(Duration::from_millis(50));
        assert!(!waiter.is_finished());
        activity.note();
        waiter.join().unwrap();
    }
}

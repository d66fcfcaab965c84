//! A console that keeps what the guest says, and types what a scenario wants typed.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::console::input::{Activity, send_paced};
use crate::machine::watch::Listener;
use crate::scenario::spec::Typing;

/// A console on record.
#[derive(Debug)]
pub(crate) struct Recorder {
    said: Vec<u8>,
    /// From where on the next awaited text is looked for.
    searched: usize,
    typing: VecDeque<Typing>,
    activity: Activity,
    typed: (Sender<String>, Option<Receiver<String>>),
}

impl Recorder {
    /// A console on which this is to be typed.
    pub(crate) fn new(typing: &[Typing]) -> Self {
        let (sender, receiver) = channel();
        Self {
            said: Vec::new(),
            searched: 0,
            typing: typing.iter().cloned().collect(),
            activity: Activity::none_yet(),
            typed: (sender, Some(receiver)),
        }
    }

    /// All that was said.
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }

    /// What was never typed because what it waited for was not said.
    pub(crate) fn never_typed(&self) -> Option<&str> {
        self.typing.front().map(|typing| typing.after.as_str())
    }

    /// Types what is due.
    fn type_due(&mut self) {
        while let Some(next) = self.typing.front() {
            let wanted = next.after.as_bytes();
            let rest = &self.said[self.searched..];
            let Some(place) = find(rest, wanted) else {
                // What has been looked through is not looked through again, but for a beginning.
                let begun = rest.len().min(wanted.len().saturating_sub(1));
                self.searched = self.said.len() - begun;
                return;
            };
            self.searched += place + wanted.len();
            // The thread that types ends with the machine, and then there is nothing to type on.
            let _ = self.typed.0.send(next.send.clone());
            self.typing.pop_front();
        }
    }
}

impl Listener for Recorder {
    fn connected(&mut self, console: TcpStream) {
        let Some(texts) = self.typed.1.take() else { return };
        let activity = self.activity.clone();
        thread::spawn(move || type_all(&texts, console, &activity));
    }

    fn console(&mut self, bytes: &[u8]) {
        self.activity.note();
        self.said.extend_from_slice(bytes);
        self.type_due();
    }
}

/// Types each text in its turn.
fn type_all(texts: &Receiver<String>, mut console: TcpStream, activity: &Activity) -> Option<()> {
    for text in texts {
        send_paced(text.as_bytes(), &mut console, activity)?;
    }
    Some(())
}

/// Where `wanted` is in `bytes`.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    /// Something to type.
    fn typing(after: &str, send: &str) -> Typing {
        Typing { after: after.into(), send: send.into() }
    }

    #[test]
    fn each_text_waits_for_its_cue_after_the_one_before() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let console = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut machine, _) = listener.accept().unwrap();
        let mut recorder = Recorder::new(&[typing("> ", "a\n"), typing("> ", "b\n")]);
        recorder.connected(console);
        recorder.console(b"hello >");
        assert_eq!(recorder.never_typed(), Some("> "));
        recorder.console(b" ");
        let mut typed = [0; 2];
        machine.read_exact(&mut typed).unwrap();
        assert_eq!(&typed, b"a\n");
        assert_eq!(recorder.never_typed(), Some("> "));
        recorder.console(b"x> ");
        machine.read_exact(&mut typed).unwrap();
        assert_eq!(&typed, b"b\n");
        assert_eq!(recorder.never_typed(), None);
        assert_eq!(recorder.said(), b"hello > x> ");
    }
}

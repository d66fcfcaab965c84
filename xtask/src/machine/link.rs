//! The console's connection: the emulator dials in, once, and what it sends becomes events.
//!
//! A socket rather than a file, so that what the user types can go the other way.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::watch::Event;

/// How often a waiting link looks whether somebody dialled in.
const PATIENCE: Duration = Duration::from_millis(5);

/// A console that waits for its emulator.
#[derive(Debug)]
pub(crate) struct Link {
    listener: TcpListener,
}

/// Tells a waiting link that nobody will come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abandon(Arc<AtomicBool>);

impl Abandon {
    /// Nobody will come.
    pub(crate) fn abandon(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Link {
    /// Opens a free port of the loopback interface.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot open a port for the console")?;
        listener.set_nonblocking(true).context("cannot wait for the console")?;
        Ok(Self { listener })
    }

    /// The port.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr().context("the console has no port")?.port())
    }

    /// Waits for the emulator in a thread of its own, and reports what it sends until it hangs up.
    pub(crate) fn serve(self, events: Sender<Event>) -> Abandon {
        let abandon = Abandon::default();
        let watched = abandon.clone();
        thread::spawn(move || {
            if let Some(stream) = self.accept(&watched) {
                carry(stream, &events);
            }
            // Nobody listens any more only if the run is over.
            let _ = events.send(Event::ConsoleClosed);
        });
        abandon
    }

    /// The connection, or nothing if it never came.
    fn accept(&self, abandon: &Abandon) -> Option<TcpStream> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).ok()?;
                    return Some(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if abandon.0.load(Ordering::Relaxed) {
                        return None;
                    }
                    thread::sleep(PATIENCE);
                }
                Err(_) => return None,
            }
        }
    }
}

/// Reports the connection and then all it sends.
fn carry(mut stream: TcpStream, events: &Sender<Event>) {
    let Ok(other_way) = stream.try_clone() else { return };
    // Single characters must not wait for company.
    let _ = other_way.set_nodelay(true);
    if events.send(Event::Connected(other_way)).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if events.send(Event::Console(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

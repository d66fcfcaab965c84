//! A vCPU and its hypervisor, for tests of the protocol between them: loom runs every interleaving.
//!
//! One thread plays the vCPU: it runs the library's code on a [`Guest`], and before each of its
//! steps an upcall may come, as on a processor. Other threads play processors that send events,
//! by the hypervisor's rules (`xen/common/event_2l.c`): pending bit, selector bit unless masked,
//! upcall due, and a kick if that is news. Upcalls are decided on the vCPU's own thread.

use std::cell::{Cell, RefCell};

use loom::{
    model::Builder,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU8, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
            fence,
        },
    },
    thread::{self, JoinHandle},
};

use crate::{
    events::{Bitmaps, Cursor, Port, drain},
    irq::UpcallFlag,
};

/// Words of ports in the model: few, because loom tries all orders.
const WORDS: usize = 2;

/// Runs a model of two threads in every order that matters.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    explore_with(3, model);
}

/// Runs a model in every order with up to so many involuntary changes of threads.
pub(crate) fn explore_with(changes: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(changes);
    builder.max_branches = 100_000;
    builder.check(model);
}

/// The words that are shared, and the hypervisor's wish to look at them.
pub(crate) struct Machine {
    due: AtomicU8,
    mask: AtomicU8,
    selector: AtomicU64,
    pending: [AtomicU64; WORDS],
    masked: [AtomicU64; WORDS],
    /// Set by a processor that wants the vCPU to leave its container.
    kick: AtomicBool,
}

impl Machine {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            due: AtomicU8::new(0),
            mask: AtomicU8::new(0),
            selector: AtomicU64::new(0),
            pending: [AtomicU64::new(0), AtomicU64::new(0)],
            masked: [AtomicU64::new(0), AtomicU64::new(0)],
            kick: AtomicBool::new(false),
        })
    }

    /// Sends an event to a port.
    fn raise(&self, port: Port) {
        let word = usize::try_from(port.word()).unwrap();
        if self.pending[word].fetch_or(port.bit(), SeqCst) & port.bit() != 0 {
            return;
        }
        // The processor's locked instruction is a full barrier; loom wants to be told.
        fence(SeqCst);
        if self.masked[word].load(SeqCst) & port.bit() != 0 {
            return;
        }
        let bit = 1 << port.word();
        if self.selector.fetch_or(bit, AcqRel) & bit == 0 && self.due.swap(1, AcqRel) == 0 {
            // An exchange, because loom leaves the order of plain stores and exchanges open.
            self.kick.swap(true, AcqRel);
        }
    }
}

/// Sends events to ports, in order, from another processor.
pub(crate) fn send(machine: &Arc<Machine>, ports: &'static [u32]) -> JoinHandle<()> {
    let machine = Arc::clone(machine);
    thread::spawn(move || ports.iter().for_each(|&port| machine.raise(Port(port))))
}

/// The vCPU.
pub(crate) struct Guest {
    machine: Arc<Machine>,
    served: RefCell<Vec<Port>>,
    cursor: Cell<Cursor>,
}

impl Guest {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        let cursor = Cell::new(Cursor::default());
        Self { machine: Arc::clone(machine), served: RefCell::default(), cursor }
    }

    /// A point between two instructions: whoever kicked is heard.
    fn step(&self) {
        if self.machine.kick.swap(false, AcqRel) {
            self.deliver();
        }
    }

    /// What the hypervisor does on the way into the guest, and what the upcall does there.
    fn deliver(&self) {
        while self.machine.due.load(Relaxed) != 0 && self.machine.mask.load(Relaxed) == 0 {
            self.machine.mask.store(1, Relaxed);
            let serve = |port| self.served.borrow_mut().push(port);
            self.cursor.set(drain(self, self.cursor.get(), serve));
            self.machine.mask.store(0, Relaxed);
        }
    }

    /// The hypercall that enables events and waits for one.
    pub(crate) fn block(&self) {
        self.machine.mask.store(0, Relaxed);
        while self.machine.due.load(Acquire) == 0 {
            thread::yield_now();
        }
        self.deliver();
    }

    /// Returns how often a port was served.
    pub(crate) fn served(&self, port: u32) -> usize {
        self.step();
        self.served.borrow().iter().filter(|&&served| served == Port(port)).count()
    }

    /// Waits for a sender and for the last kick, and checks that no event waits.
    pub(crate) fn finish(&self, sender: JoinHandle<()>) {
        sender.join().unwrap();
        self.step();
        for word in 0..WORDS {
            let masked = self.machine.masked[word].load(Acquire);
            let waiting = self.machine.pending[word].load(Acquire) & !masked;
            assert_eq!(waiting, 0, "an event was lost");
        }
    }
}

impl UpcallFlag for Guest {
    fn mask(&self) -> u8 {
        self.step();
        self.machine.mask.load(Relaxed)
    }

    fn set_mask(&self, mask: u8) {
        self.step();
        self.machine.mask.store(mask, Relaxed);
    }

    fn is_pending(&self) -> bool {
        self.step();
        self.machine.due.load(Relaxed) != 0
    }

    fn force_upcall(&self) {
        self.deliver();
    }
}

fn index(word: u32) -> usize {
    usize::try_from(word).unwrap()
}

impl Bitmaps for Guest {
    fn clear_due(&self) {
        self.step();
        self.machine.due.store(0, Relaxed);
    }

    fn set_due(&self) {
        self.step();
        self.machine.due.store(1, Relaxed);
    }

    fn take_selector(&self) -> u64 {
        self.step();
        self.machine.selector.swap(0, AcqRel)
    }

    fn select(&self, word: u32) -> bool {
        self.step();
        self.machine.selector.fetch_or(1 << word, AcqRel) & (1 << word) == 0
    }

    fn pending(&self, word: u32) -> u64 {
        self.step();
        self.machine.pending[index(word)].load(SeqCst)
    }

    fn masked(&self, word: u32) -> u64 {
        self.step();
        self.machine.masked[index(word)].load(SeqCst)
    }

    fn clear_pending(&self, port: Port) {
        self.step();
        self.machine.pending[index(port.word())].fetch_and(!port.bit(), AcqRel);
    }

    fn mask_port(&self, port: Port) -> bool {
        self.step();
        self.machine.masked[index(port.word())].fetch_or(port.bit(), AcqRel) & port.bit() == 0
    }

    fn unmask_port(&self, port: Port) -> bool {
        self.step();
        let word = &self.machine.masked[index(port.word())];
        let was_masked = word.fetch_and(!port.bit(), SeqCst) & port.bit() != 0;
        fence(SeqCst);
        was_masked
    }
}

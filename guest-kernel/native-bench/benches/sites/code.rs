//! Functions made of sites, in memory that can be executed.
//!
//! ```text
//! record            the vCPU's record: what is due, the mask
//! record + 0x800    slots of the table
//! record + 0x1000   functions
//! ```

use std::{mem, ptr};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

use super::kit::Kit;

/// How often a sequence is written out in a function: a loop would cost as much as what is measured.
/// xtask divides by it.
const TIMES: usize = 64;

const TABLE: usize = 0x800;
const DATA_BYTES: usize = 0x1000;
const BYTES: usize = 0x10_0000;

/// The offset of `evtchn_upcall_mask` in the record (`xen/xen.h`, `vcpu_info`).
const MASK: usize = 1;

/// Functions begin at the begin of a cache line.
const ALIGNMENT: usize = 64;

const RET: u8 = 0xc3;
const NOP: u8 = 0x90;

/// A part of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// An operation.
    Op(&'static str),
    /// What was saved becomes what is restored: `mov rdi, rax`.
    ToArgument,
}

/// How operations are executed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// As sites under Xenolith.
    Inline,
    /// The same instructions as a function, by a call.
    Call,
    /// The same by a call through the table, as linked.
    Table,
    /// As sites on bare hardware.
    Branch,
    /// With PUSHF and POPF.
    Popf,
}

impl Form {
    pub(crate) const ALL: [Self; 5] =
        [Self::Inline, Self::Call, Self::Table, Self::Branch, Self::Popf];

    /// Its name in Criterion's files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Call => "call",
            Self::Table => "table",
            Self::Branch => "branch",
            Self::Popf => "popf",
        }
    }

    /// Whether it is about the event mask.
    pub(crate) const fn is_mask(self) -> bool {
        matches!(self, Self::Inline | Self::Call | Self::Table)
    }
}

/// Memory, and what is to be written to it.
#[derive(Debug)]
pub(crate) struct Image {
    base: usize,
    bytes: Vec<u8>,
    slots: usize,
}

impl Image {
    /// Maps memory at the record's address.
    ///
    /// # Panics
    ///
    /// If something else is there.
    pub(crate) fn map(record: u64) -> Self {
        let base = usize::try_from(record).expect("addresses have 64 bits");
        let at = ptr::without_provenance_mut(base);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
        // SAFETY: nothing is mapped there, or this fails.
        let mapped =
            unsafe { mmap_anonymous(at, BYTES, ProtFlags::READ | ProtFlags::WRITE, flags) };
        assert_eq!(mapped.expect("the record's address is free").expose_provenance(), base);
        Self { base, bytes: vec![0; DATA_BYTES], slots: 0 }
    }

    /// Makes a function that executes a sequence [`TIMES`] times; returns its offset.
    pub(crate) fn function(&mut self, kit: &Kit, steps: &[Step], form: Form) -> usize {
        let targets: Vec<_> = steps.iter().map(|step| self.target(kit, *step, form)).collect();
        let address = self.begin();
        for _ in 0..TIMES {
            for (step, target) in steps.iter().zip(&targets) {
                match step {
                    Step::ToArgument => self.bytes.extend([0x48, 0x89, 0xc7]),
                    Step::Op(op) => self.operation(kit, op, form, *target),
                }
            }
        }
        self.bytes.push(RET);
        address - self.base
    }

    /// Makes the function that a form calls, if it does; returns its address, or its slot's.
    fn target(&mut self, kit: &Kit, step: Step, form: Form) -> usize {
        let (Step::Op(op), Form::Call | Form::Table) = (step, form) else { return 0 };
        let function = self.begin();
        self.bytes.extend(&kit.site(op, "Xenolith").code);
        self.bytes.push(RET);
        if form == Form::Call {
            return function;
        }
        let slot = TABLE + 8 * self.slots;
        self.slots += 1;
        self.bytes[slot..slot + 8].copy_from_slice(&function.to_le_bytes());
        self.base + slot
    }

    /// Writes one operation.
    fn operation(&mut self, kit: &Kit, op: &str, form: Form, target: usize) {
        let xenolith = kit.site(op, "Xenolith");
        match form {
            Form::Inline => self.bytes.extend(xenolith.code.iter().chain(&xenolith.padding)),
            Form::Branch => {
                let native = kit.site(op, "Native");
                self.bytes.extend(native.code.iter().chain(&native.padding));
            }
            Form::Call => {
                self.bytes.push(0xe8);
                self.distance(target);
            }
            // `call [rip + distance]`, and the site's NOPs.
            Form::Table => {
                self.bytes.extend([0xff, 0x15]);
                self.distance(target);
                self.bytes.extend(&xenolith.linked[6..]);
            }
            Form::Popf => match op {
                // `pushfq; pop rax`, `push rdi; popfq`
                "save_fl" => self.bytes.extend([0x9c, 0x58]),
                "restore_fl" => self.bytes.extend([0x57, 0x9d]),
                _ => self.bytes.push(NOP),
            },
        }
    }

    /// Writes the distance from behind it to a place.
    fn distance(&mut self, target: usize) {
        let behind = self.base + self.bytes.len() + 4;
        let distance = i32::try_from(target.cast_signed() - behind.cast_signed());
        self.bytes.extend(distance.expect("the memory is small").to_le_bytes());
    }

    /// Begins a function; returns its address.
    fn begin(&mut self) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), NOP);
        self.base + self.bytes.len()
    }

    /// Writes everything, and makes functions executable instead of writable.
    ///
    /// # Panics
    ///
    /// If it is too much, or the system refuses.
    pub(crate) fn executable(self) -> Executable {
        assert!(self.bytes.len() <= BYTES, "{} bytes of functions", self.bytes.len());
        let to = ptr::with_exposed_provenance_mut::<u8>(self.base);
        // SAFETY: so many bytes are mapped there, and nothing else knows of them.
        unsafe { ptr::copy_nonoverlapping(self.bytes.as_ptr(), to, self.bytes.len()) };
        let functions = ptr::with_exposed_provenance_mut(self.base + DATA_BYTES);
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: as above; nothing writes to functions any more.
        let result = unsafe { mprotect(functions, BYTES - DATA_BYTES, flags) };
        result.expect("memory can be made executable");
        Executable { base: self.base }
    }
}

/// Functions that can be called.
#[derive(Debug)]
pub(crate) struct Executable {
    base: usize,
}

impl Executable {
    /// Sets the event mask.
    pub(crate) fn set_mask(&self, mask: u8) {
        let to = ptr::with_exposed_provenance_mut::<u8>(self.base + MASK);
        // SAFETY: the record is mapped, and only code in this memory uses it.
        unsafe { to.write_volatile(mask) };
    }

    /// Calls the function at an offset with an argument.
    #[inline]
    pub(crate) fn call(&self, function: usize, argument: u64) {
        let function = ptr::with_exposed_provenance::<()>(self.base + function);
        // SAFETY: `Image::function` has made it: it takes a word and changes RAX, RDI and flags.
        let function: extern "C" fn(u64) = unsafe { mem::transmute(function) };
        function(argument);
    }
}

//! The macros for what a site can become: instructions between two labels, recorded with the places
//! in them that depend on where they are copied to.
//!
//! Each is a function as well, with a return behind the second label. The ones that depend on no
//! record of a vCPU are what the table holds.

/// The worlds for which an alternative is recorded, as bits.
macro_rules! worlds {
    (Native) => {
        1
    };
    (Xenolith) => {
        2
    };
    (Both) => {
        3
    };
    // In no world: see `Alternative::is_on_trial`.
    (Trial) => {
        4
    };
}
pub(super) use worlds;

/// Defines an alternative: `alternative!(name: Op in World, [lines], operands)`.
///
/// Labels 2 and 3 are taken. It is entry code, unless it is marked with `ordinary`, which what calls
/// ordinary functions has to be.
macro_rules! alternative {
    ($(#[$doc:meta])* ordinary $name:ident: $($rest:tt)+) => {
        $crate::pvops::alternative::alternative!(@".text.pvops", $(#[$doc])* $name: $($rest)+);
    };
    ($(#[$doc:meta])* $name:ident: $($rest:tt)+) => {
        $crate::pvops::alternative::alternative!(@".noinstr.text", $(#[$doc])* $name: $($rest)+);
    };
    (@$section:literal, $(#[$doc:meta])* $name:ident: $op:ident in $world:ident,
     [$($line:expr),* $(,)?] $(, $($operands:tt)+)?) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(link_section = $section)]
        pub(super) unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                "2:",
                $($line,)*
                "3:",
                "ret",
                ".pushsection .pvops.alternatives, \"a\", @progbits",
                ".quad 2b",
                ".byte {pv_op}, {pv_worlds}, 3b - 2b, 0",
                ".long 0",
                ".popsection",
                pv_op = const $crate::pvops::Op::$op.number(),
                pv_worlds = const $crate::pvops::alternative::worlds!($world),
                $($($operands)+)?
            )
        }
    };
}
pub(super) use alternative;

/// The line behind an instruction whose address, the four bytes that end so many bytes in front of
/// here, is an offset into the record of the vCPU.
macro_rules! in_record {
    ($behind:literal) => {
        concat!(
            "6:\n",
            ".pushsection .pvops.fixups, \"a\", @progbits\n",
            ".quad 6b - 4 - ",
            stringify!($behind),
            ", 0\n",
            ".popsection\n",
        )
    };
}
pub(super) use in_record;

/// The line behind a call or jump to a place outside, whose distance is the last four bytes.
macro_rules! to_outside {
    () => {
        concat!(
            "6:\n",
            ".pushsection .pvops.fixups, \"a\", @progbits\n",
            ".quad 6b - 4, 1\n",
            ".popsection\n",
        )
    };
}
pub(super) use to_outside;

/// Defines a function for the table that keeps to its operation's contract otherwise than by an
/// alternative.
macro_rules! function {
    ($(#[$doc:meta])* $name:ident: [$($line:expr),* $(,)?] $(, $($operands:tt)+)?) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        pub(super) unsafe extern "C" fn $name() {
            core::arch::naked_asm!($($line,)* $($($operands)+)?)
        }
    };
}
pub(super) use function;

//! The macros that emit a site and record it.

/// Returns the lines of a site: a `call` or `jmp` through the table, padding, and the record.
///
/// ```text
/// 2: call qword ptr [rip + slot]     6 bytes
///    NOPs                            up to the length of the operation's sites
/// ```
///
/// The operands are those that `site!` gives, `pv_changes` and so on.
macro_rules! site_lines {
    ($mnemonic:literal) => {
        concat!(
            "2: ",
            $mnemonic,
            " qword ptr [rip + {pv_table} + {pv_slot}]\n",
            ".if {pv_padding}\n",
            ".nops {pv_padding}\n",
            ".endif\n",
            ".pushsection .pvops.sites.{pv_op}, \"a\", @progbits\n",
            ".quad 2b\n",
            ".long {pv_changes}\n",
            ".byte {pv_op}, {pv_length}, 0, 0\n",
            ".popsection\n",
        )
    };
}
pub(crate) use site_lines;

/// Executes an operation: emits its site with these operands, and records what they allow it to
/// change.
///
/// `site!(Op, in [..], inout [..], out [..], changes [..])`, with registers as string literals.
/// Without `flags` in `changes`, the compiler is told that they are preserved.
macro_rules! site {
    ($op:ident, in [$($in:tt = $value:expr),*], inout [$($io:tt = $from:expr => $to:expr),*],
     out [$($out:tt => $place:expr),*], changes [flags $(, $changed:tt)*]) => {
        $crate::pvops::site::site!(@emit $op, ["flags"], [], in [$($in = $value),*],
            inout [$($io = $from => $to),*], out [$($out => $place),*], changes [$($changed),*])
    };
    ($op:ident, in [$($in:tt = $value:expr),*], inout [$($io:tt = $from:expr => $to:expr),*],
     out [$($out:tt => $place:expr),*], changes [$($changed:tt),*]) => {
        $crate::pvops::site::site!(@emit $op, [], [preserves_flags], in [$($in = $value),*],
            inout [$($io = $from => $to),*], out [$($out => $place),*], changes [$($changed),*])
    };
    (@emit $op:ident, [$($flags:tt)?], [$($option:ident)?],
     in [$($in:tt = $value:expr),*], inout [$($io:tt = $from:expr => $to:expr),*],
     out [$($out:tt => $place:expr),*], changes [$($changed:tt),*]) => {
        // The stack is aligned for a call, because `nostack` is not among the options.
        core::arch::asm!(
            $crate::pvops::site::site_lines!("call"),
            pv_table = sym $crate::pvops::TABLE,
            pv_slot = const $crate::pvops::Op::$op.index() * size_of::<usize>(),
            pv_padding = const
                $crate::pvops::Op::$op.site_bytes() - $crate::pvops::Op::CALL_BYTES,
            pv_op = const $crate::pvops::Op::$op.number(),
            pv_length = const $crate::pvops::Op::$op.site_bytes(),
            pv_changes = const $crate::pvops::Registers::named(
                &[$($io,)* $($out,)* $($changed,)* $($flags)?]
            ).bits(),
            $(in($in) $value,)*
            $(inout($io) $from => $to,)*
            $(out($out) $place,)*
            $(out($changed) _,)*
            options($($option)?)
        )
    };
}
pub(crate) use site;

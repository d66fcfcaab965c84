//! Which machine `run` takes, and why.

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::Machine;
use super::kvm::Report;

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    /// QEMU where the host offers nested VMX, else Bochs
    Auto,
    /// Bochs, which emulates VMX
    Bochs,
    /// QEMU with KVM and nested VMX
    Qemu,
}

/// A machine, and the reason for it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The machine.
    pub(crate) machine: Machine,
    /// Why this one.
    pub(crate) reason: String,
}

/// Chooses; asks the host about KVM only where that matters.
///
/// # Errors
/// QEMU is asked for, and the host has no nested VMX for it.
pub(crate) fn choose(wish: Wish, ask_kvm: impl FnOnce() -> Report) -> Result<Choice> {
    let report = match wish {
        Wish::Bochs => return Ok(Choice { machine: Machine::Bochs, reason: "as asked".into() }),
        Wish::Auto | Wish::Qemu => ask_kvm(),
    };
    match (wish, &report) {
        (_, Report::NestedVmx) => {
            Ok(Choice { machine: Machine::QemuKvm, reason: report.to_string() })
        }
        (Wish::Qemu, _) => bail!("QEMU has no VMX to offer here: {report}; try --machine bochs"),
        (_, _) => Ok(Choice { machine: Machine::Bochs, reason: report.to_string() }),
    }
}

/// Chooses the machine for a kernel without the hypervisor, which needs no VMX.
pub(crate) fn choose_bare(wish: Wish) -> Choice {
    match wish {
        Wish::Bochs => Choice { machine: Machine::Bochs, reason: "as asked".into() },
        Wish::Auto | Wish::Qemu => {
            Choice { machine: Machine::QemuTcg, reason: "a bare kernel needs no VMX".into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_kernel_runs_in_qemu_unless_told() {
        assert_eq!(choose_bare(Wish::Auto).machine, Machine::QemuTcg);
        assert_eq!(choose_bare(Wish::Qemu).machine, Machine::QemuTcg);
        assert_eq!(choose_bare(Wish::Bochs).machine, Machine::Bochs);
    }

    #[test]
    fn auto_takes_qemu_only_with_nested_vmx() {
        for (report, machine) in [
            (Report::NestedVmx, Machine::QemuKvm),
            (Report::NoVmx, Machine::Bochs),
            (Report::Unusable("gone".into()), Machine::Bochs),
        ] {
            let choice = choose(Wish::Auto, || report.clone()).unwrap();
            assert_eq!(choice, Choice { machine, reason: report.to_string() });
        }
    }

    #[test]
    fn qemu_without_nested_vmx_is_refused_with_the_reason() {
        let error = choose(Wish::Qemu, || Report::NoVmx).unwrap_err().to_string();
        assert!(error.contains("no nested VMX"), "{error}");
        assert_eq!(choose(Wish::Qemu, || Report::NestedVmx).unwrap().machine, Machine::QemuKvm);
    }

    #[test]
    fn bochs_is_taken_without_a_question() {
        let choice = choose(Wish::Bochs, || panic!("asked")).unwrap();
        assert_eq!(choice.machine, Machine::Bochs);
    }
}

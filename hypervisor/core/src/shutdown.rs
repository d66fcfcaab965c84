//! Why a domain ended.

use xenolith_abi::sched;

/// The reason that a domain gave, or that the hypervisor found (`xen/public/sched.h`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShutdownReason {
    /// It has nothing more to do.
    Poweroff,
    /// It wants to be started anew.
    Reboot,
    /// It wants to be saved.
    Suspend,
    /// It failed.
    Crash,
    /// Its watchdog ran out.
    Watchdog,
    /// It wants its state reset and its memory kept.
    SoftReset,
    /// A number without a meaning.
    Unknown(u8),
}

impl ShutdownReason {
    /// Returns the reason that `number` stands for. Xen looks at the low byte only.
    pub fn from_number(number: u32) -> Self {
        match number & 0xff {
            sched::SHUTDOWN_POWEROFF => Self::Poweroff,
            sched::SHUTDOWN_REBOOT => Self::Reboot,
            sched::SHUTDOWN_SUSPEND => Self::Suspend,
            sched::SHUTDOWN_CRASH => Self::Crash,
            sched::SHUTDOWN_WATCHDOG => Self::Watchdog,
            sched::SHUTDOWN_SOFT_RESET => Self::SoftReset,
            other => Self::Unknown(other.to_le_bytes()[0]),
        }
    }

    /// Returns the word by which scripts know the reason; an unknown one counts as a crash.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poweroff => "poweroff",
            Self::Reboot => "reboot",
            Self::Suspend => "suspend",
            Self::Crash | Self::Unknown(_) => "crash",
            Self::Watchdog => "watchdog",
            Self::SoftReset => "soft-reset",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_low_byte_counts() {
        for (number, name) in [
            (0, "poweroff"),
            (1, "reboot"),
            (2, "suspend"),
            (3, "crash"),
            (4, "watchdog"),
            (5, "soft-reset"),
            (6, "crash"),
            (0x100, "poweroff"),
            (u32::MAX, "crash"),
        ] {
            assert_eq!(ShutdownReason::from_number(number).name(), name, "{number:#x}");
        }
        assert_eq!(ShutdownReason::from_number(0x1ff), ShutdownReason::Unknown(0xff));
    }
}

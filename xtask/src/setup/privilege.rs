//! Whether this program may install packages, and through whom.

use super::line::Line;
use super::program_in_path;

/// What we may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    /// We are root.
    Root,
    /// There is `sudo`.
    Sudo,
    /// Neither.
    Unprivileged,
}

impl Privilege {
    /// Ours.
    pub(crate) fn ours() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Root
        } else if program_in_path("sudo").is_some() {
            Self::Sudo
        } else {
            Self::Unprivileged
        }
    }

    /// `apt_get` so that it runs as root and asks nothing.
    pub(crate) fn elevate(self, apt_get: Vec<String>) -> Line {
        let words: &[&str] = match self {
            Self::Root => &["env", "DEBIAN_FRONTEND=noninteractive"],
            Self::Sudo | Self::Unprivileged => &["sudo", "env", "DEBIAN_FRONTEND=noninteractive"],
        };
        let words = words.iter().map(|word| (*word).to_owned());
        Line::new(words.chain(apt_get).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_needs_no_sudo() {
        let command = || vec!["apt-get".to_owned(), "update".to_owned()];
        assert_eq!(
            Privilege::Root.elevate(command()).to_string(),
            "env DEBIAN_FRONTEND=noninteractive apt-get update"
        );
        assert_eq!(
            Privilege::Sudo.elevate(command()).to_string(),
            "sudo env DEBIAN_FRONTEND=noninteractive apt-get update"
        );
    }
}

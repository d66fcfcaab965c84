//! Which package manager the host has, told from `/etc/os-release`.

use std::fs;

use super::requirement::{Packages, Requirement};

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// Debian, Ubuntu and their kin.
    Apt,
    /// Fedora and its kin.
    Dnf,
    /// Arch and its kin.
    Pacman,
}

impl Manager {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Apt, Self::Dnf, Self::Pacman];

    /// The host's, if it is one of these.
    pub(crate) fn of_host() -> Option<Self> {
        let text = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"));
        from_os_release(&text.unwrap_or_default())
    }

    /// The command that installs `packages`, without what makes it run as root.
    pub(crate) fn install(self, packages: &[&str]) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Apt => &["apt-get", "install", "--yes", "--no-install-recommends"],
            Self::Dnf => &["dnf", "install"],
            Self::Pacman => &["pacman", "-S", "--needed"],
        };
        words.iter().chain(packages).map(|word| (*word).to_owned()).collect()
    }

    /// The packages that bring these, each once.
    pub(crate) fn packages(self, missing: &[&Requirement]) -> Vec<&'static str> {
        let mut names: Vec<_> =
            missing.iter().flat_map(|it| self.select(&it.packages)).copied().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Its own packages among those of all.
    const fn select(self, packages: &Packages) -> &'static [&'static str] {
        match self {
            Self::Apt => packages.apt,
            Self::Dnf => packages.dnf,
            Self::Pacman => packages.pacman,
        }
    }
}

/// The package manager of a distribution that describes itself like this; os-release(5).
fn from_os_release(text: &str) -> Option<Manager> {
    let own = field(text, "ID").unwrap_or_default();
    let kin = field(text, "ID_LIKE").unwrap_or_default();
    own.split_whitespace().chain(kin.split_whitespace()).find_map(|name| match name {
        "debian" | "ubuntu" => Some(Manager::Apt),
        "fedora" | "rhel" | "centos" => Some(Manager::Dnf),
        "arch" => Some(Manager::Pacman),
        _ => None,
    })
}

/// The value of a field, without its quotes.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut values =
        text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    values.next_back().map(|value| value.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::requirement::REQUIREMENTS;

    #[test]
    fn distributions_and_their_kin_are_known() {
        for (text, manager) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME=\"Debian\"\nID=debian\n",
                Some(Manager::Apt),
            ),
            ("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n", Some(Manager::Apt)),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Some(Manager::Apt)),
            ("ID=fedora\n", Some(Manager::Dnf)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Some(Manager::Dnf)),
            ("ID='arch'\n", Some(Manager::Pacman)),
            ("ID=nixos\n", None),
            ("VARIANT_ID=debian\nBUILD_ID=debian\n", None),
            ("", None),
        ] {
            assert_eq!(from_os_release(text), manager, "{text}");
        }
    }

    #[test]
    fn packages_are_those_of_what_is_missing() {
        let missing: Vec<_> = REQUIREMENTS.iter().filter(|it| it.name.contains("Bochs")).collect();
        assert_eq!(
            Manager::Apt.packages(&missing),
            ["bochs", "bochs-term", "bochsbios", "vgabios"]
        );
        assert_eq!(Manager::Pacman.packages(&missing), ["bochs"]);
        assert!(Manager::Dnf.packages(&[]).is_empty());
    }

    #[test]
    fn every_requirement_has_a_package_everywhere() {
        for manager in Manager::ALL {
            for requirement in REQUIREMENTS {
                assert!(!manager.packages(&[requirement]).is_empty(), "{}", requirement.name);
            }
        }
    }
}

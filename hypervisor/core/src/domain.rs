//! What the hypervisor knows of a domain, apart from its memory.

use crate::address::{DomId, Gpa};
use crate::grant_mappings::GrantMappings;
use crate::grant_table::GrantTable;
use crate::hole::Hole;
use crate::hypercall::unsupported::Limit;
use crate::resident::Header;
use crate::runstate::Update;
use crate::shutdown::ShutdownReason;
use crate::watchdog::Watchdogs;
use xenolith_abi::features;

/// The state of one domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Domain {
    /// Its number.
    pub id: DomId,
    /// Pages of memory that it has.
    pub memory_pages: u64,
    /// Pages of memory that it may have.
    pub max_pages: u64,
    /// First frame number above all that it may name.
    pub max_gfn: u64,
    /// Frames of its grant table.
    pub grant_frames: u32,
    /// The mappings of granted frames that it has made.
    pub grant_mappings: GrantMappings,
    /// Its shared page.
    pub shared_info: Gpa,
    /// The hypervisor's part of its address space.
    pub hole: Hole,
    /// The resident that runs there.
    pub resident: Header,
    /// Assists that are on, a bit per type (`vm_assist`).
    pub assists: u64,
    /// The reason that it announced for its end (`SCHEDOP_shutdown_code`); it counts, whatever
    /// reason is given then.
    pub shutdown_code: Option<ShutdownReason>,
    /// Its watchdogs.
    pub watchdogs: Watchdogs,
    /// How much was logged of what it asked for in vain.
    pub unsupported: Limit,
    /// Whether its kernel said in its ELF notes that it runs in ring 0.
    pub supervisor_mode_kernel: bool,
    /// Whether it may have its instructions counted (the option `step=`).
    pub may_step: bool,
}

impl Domain {
    /// Makes a domain that has all the memory it may have.
    pub const fn new(id: DomId, memory_pages: u64, resident: Header) -> Self {
        let hole = Hole::new(memory_pages);
        Self {
            id,
            memory_pages,
            max_pages: memory_pages,
            max_gfn: hole.max_gfn(),
            grant_frames: 1,
            grant_mappings: GrantMappings::new(),
            shared_info: hole.shared_info(),
            hole,
            resident,
            assists: 0,
            shutdown_code: None,
            watchdogs: Watchdogs::new(),
            unsupported: Limit::new(),
            supervisor_mode_kernel: false,
            may_step: false,
        }
    }

    /// Returns whether the assist numbered `kind` is on.
    pub const fn has_assist(&self, kind: u32) -> bool {
        self.assists >> kind & 1 != 0
    }

    /// Returns where its grant table is.
    pub const fn grant_table(&self) -> GrantTable {
        self.hole.grant_table(self.grant_frames)
    }

    /// Returns how the copies of its vCPUs' runstates are written.
    pub const fn runstate_update(&self) -> Update {
        let flagged = self.has_assist(xenolith_abi::vm_assist::TYPE_RUNSTATE_UPDATE_FLAG);
        if flagged { Update::Flagged } else { Update::Silent }
    }

    /// Returns the features of submap 0 that the domain sees (`XENVER_get_features`).
    ///
    /// They are those of an ordinary domain under Xen 4.17. A kernel that runs in ring 0 on its own
    /// account is told that it may.
    pub fn features(&self) -> u32 {
        use xenolith_abi::vm_assist::TYPE_PAE_EXTENDED_CR3;
        let always = [
            features::MMU_PT_UPDATE_PRESERVE_AD,
            features::HIGHMEM_ASSIST,
            features::GNTTAB_MAP_AVAIL_BITS,
            features::MEMORY_OP_VNODE_SUPPORTED,
            features::DIRECT_MAPPED,
        ];
        let mut bits = always.iter().fold(0, |bits, feature| bits | 1 << feature);
        if self.has_assist(TYPE_PAE_EXTENDED_CR3) {
            bits |= 1 << features::PAE_PGDIR_ABOVE_4GB;
        }
        if self.supervisor_mode_kernel {
            bits |= 1 << features::SUPERVISOR_MODE_KERNEL;
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_domain_sees_what_xen_shows() {
        let mut domain = Domain::new(DomId(1), 1, Header::example());
        assert_eq!(domain.features(), 0x220e0);
        domain.assists = 1 << 3;
        assert_eq!(domain.features(), 0x220f0);
        domain.supervisor_mode_kernel = true;
        assert_eq!(domain.features(), 0x220f8);
    }
}

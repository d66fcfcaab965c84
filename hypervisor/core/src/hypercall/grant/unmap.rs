//! `unmap_grant_ref` and `unmap_and_replace`: the end of a mapping, or of one side of it.

use super::super::{Call, Machine};
use super::entry::{end_use, place};
use super::host;
use crate::address::PAGE_SIZE;
use crate::grant_mappings::Mapping;
use xenolith_abi::grant::{
    BAD_HANDLE, GENERAL_ERROR, GTF_READING, GTF_WRITING, MAP_DEVICE_MAP, MAP_HOST_MAP,
    MAP_READONLY, OKAY, UnmapAndReplace, UnmapGrantRef,
};

/// What is to be unmapped; 0 is nothing.
struct Request {
    handle: u32,
    host: u64,
    device: u64,
    /// The address whose entry takes the place.
    replacement: u64,
}

pub(super) fn unmap<M: Machine>(call: &mut Call<'_, M>, wanted: &mut UnmapGrantRef) {
    let UnmapGrantRef { host_addr, dev_bus_addr, handle, .. } = *wanted;
    let request = Request { handle, host: host_addr, device: dev_bus_addr, replacement: 0 };
    wanted.status = status(end(call, &request));
}

pub(super) fn replace<M: Machine>(call: &mut Call<'_, M>, wanted: &mut UnmapAndReplace) {
    let UnmapAndReplace { host_addr, new_addr, handle, .. } = *wanted;
    let request = Request { handle, host: host_addr, device: 0, replacement: new_addr };
    wanted.status = status(end(call, &request));
}

fn status(result: Result<(), i16>) -> i16 {
    result.map_or_else(|status| status, |()| OKAY)
}

fn end<M: Machine>(call: &mut Call<'_, M>, request: &Request) -> Result<(), i16> {
    let before = call.domain.grant_mappings.find(request.handle).ok_or(BAD_HANDLE)?;
    let mut mapping = before;
    if mapping.has(MAP_DEVICE_MAP) && request.device != 0 {
        if request.device != u64::from(mapping.frame) * PAGE_SIZE {
            return Err(GENERAL_ERROR);
        }
        mapping = mapping.without(MAP_DEVICE_MAP);
    }
    if mapping.has(MAP_HOST_MAP) && request.host != 0 {
        host::unmap(call, mapping, request.host, request.replacement)?;
        mapping = mapping.without(MAP_HOST_MAP);
    }
    if mapping != before {
        call.domain.grant_mappings.set(request.handle, mapping);
        tell(call, mapping);
    }
    Ok(())
}

/// Clears the flags of use that do not hold any more.
fn tell<M: Machine>(call: &mut Call<'_, M>, ended: Mapping) {
    let uses = call.domain.grant_mappings.uses(ended.reference);
    let writing = if ended.has(MAP_READONLY) || uses.writing { 0 } else { GTF_WRITING };
    let reading = if uses.frame.is_some() { 0 } else { GTF_READING };
    if let Ok(at) = place(call, ended.reference.into()) {
        end_use(call, at, writing | reading);
    }
}

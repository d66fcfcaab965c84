//! Grants to oneself: copies, and mappings.

use xenolith_guest::abi::{
    domain::SELF,
    grant::{
        COPY, COPY_SOURCE_GREF, MAP_DEVICE_MAP, MAP_GRANT_REF, MAP_HOST_MAP, MAP_READONLY,
        SETUP_TABLE, UNMAP_GRANT_REF,
    },
    hypercall::GRANT_TABLE_OP,
};

use super::{Make, Worker, Wrong, expect, inline};

/// The number of the first domain.
const DOMAIN: u64 = 1;
const PERMIT: u64 = 1;
const COPIES: u64 = 200;
const COPY_BYTES: usize = 40;
/// Mappings of a list, of which the last is for the CPU too. A grant has at most 127 of a kind, and a
/// domain 512.
const MAPPINGS: u64 = 16;
const MAP_BYTES: usize = 32;
const UNMAP_BYTES: usize = 24;
/// Unmap requests, behind the requests to map.
const UNMAPS: usize = 4096;

/// Grants the domain itself the worker's first page for results.
pub(super) fn prepare(worker: &mut Worker) {
    let arguments = worker.pages.arguments();
    arguments.put(0, &[u64::from(SELF) | 1 << 32, 0, arguments.address + 64]);
    let answer = inline(GRANT_TABLE_OP, [SETUP_TABLE.into(), arguments.address, 1, 0, 0]);
    assert_eq!((answer, arguments.word(8) & 0xffff), (0, 0), "there is a table");
    let table = arguments.word(64) * 4096;
    worker.show(table, &mut inline).expect("the table can be mapped");
    let frame = worker.pages.result_frame(0) / 4096;
    let word = usize::try_from(worker.grant).unwrap_or(0);
    worker.pages.set_shown(word, PERMIT | DOMAIN << 16 | frame << 32);
}

/// Copies words between the pages for results, from the first by grant.
pub(super) fn copies(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = 1 + worker.random.below(COPIES);
    let list = worker.pages.list();
    for at in (0..).step_by(COPY_BYTES).take(usize::try_from(count).unwrap_or(0)) {
        let mut place = || {
            let [page, word] = [worker.random.below(3), worker.random.below(512 - 16)];
            [page, word].map(|number| usize::try_from(number).unwrap_or(0))
        };
        let [from, to] = [place(), place()];
        let words = 1 + usize::try_from(worker.random.below(16)).unwrap_or(0);
        let by_grant = from[0] == 0;
        let source = if by_grant { worker.grant.into() } else { frame(worker, from[0]) };
        let flags = if by_grant { u64::from(COPY_SOURCE_GREF) } else { 0 };
        let side = |word: usize| u64::from(SELF) | (8 * word as u64) << 16;
        let sizes = (8 * words as u64) | flags << 16 | 99 << 32;
        list.put(at, &[source, side(from[1]), frame(worker, to[0]), side(to[1]), sizes]);
        let [from, to] = [from, to].map(|[page, word]| page * 512 + word);
        worker.model.copy_within(from..from + words, to);
    }
    let answer = make(GRANT_TABLE_OP, [COPY.into(), list.address, count, 0, 0]);
    expect(answer == 0, "a list of copies")?;
    let mut ends = (32..).step_by(COPY_BYTES).take(usize::try_from(count).unwrap_or(0));
    expect(ends.all(|at| list.half(at + 4) == 0), "the status of a copy")
}

fn frame(worker: &Worker, page: usize) -> u64 {
    worker.pages.result_frame(page) / 4096
}

/// Maps the grant many times, and unmaps it as often, in reverse.
pub(super) fn mappings(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = usize::try_from(1 + worker.random.below(MAPPINGS)).unwrap_or(1);
    let list = worker.pages.list();
    let place = worker.pages.shown_at();
    let flags = |index: usize| {
        let host = if index + 1 == count { MAP_HOST_MAP } else { 0 };
        u64::from(MAP_DEVICE_MAP | MAP_READONLY | host)
    };
    for index in 0..count {
        let what = flags(index) | u64::from(worker.grant) << 32;
        list.put(index * MAP_BYTES, &[place, what, DOMAIN | 99 << 16, 0]);
    }
    let answer = make(GRANT_TABLE_OP, [MAP_GRANT_REF.into(), list.address, count as u64, 0, 0]);
    expect(answer == 0, "a list of mappings")?;
    expect(worker.pages.shown(7) == worker.model[7], "the grant, mapped")?;
    for index in 0..count {
        let map = list.from(index * MAP_BYTES);
        expect(map.half(18) == 0, "the status of a mapping")?;
        let handle = map.word(16) >> 32 | 99 << 32;
        let at = UNMAPS + (count - 1 - index) * UNMAP_BYTES;
        list.put(at, &[place, map.word(24), handle]);
    }
    let unmaps = list.from(UNMAPS);
    let answer = make(GRANT_TABLE_OP, [UNMAP_GRANT_REF.into(), unmaps.address, count as u64, 0, 0]);
    expect(answer == 0, "a list to unmap")?;
    let mut ends = (20..).step_by(UNMAP_BYTES).take(count);
    expect(ends.all(|at| unmaps.half(at) == 0), "the status of an unmapping")
}

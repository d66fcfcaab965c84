//! Lists of requests about page tables.

use xenolith_guest::abi::{
    domain::SELF,
    hypercall::{MMU_UPDATE, MMUEXT_OP},
    mmu::{
        CLEAR_PAGE, COPY_PAGE, INVLPG_LOCAL, PIN_L1_TABLE, PT_UPDATE_PRESERVE_AD, TLB_FLUSH_ALL,
        UNPIN_TABLE,
    },
};

use super::{Make, Worker, Wrong, expect, pages, pages::Stretch};

const ACCESSED_DIRTY: u64 = 0x60;
/// Updates and operations of a list, at most: all that fit, and what takes about as long.
const UPDATES: u64 = 768;
const OPERATIONS: u64 = 60;

/// Updates words of the pages for results, most of them several times.
pub(super) fn updates(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = 1 + worker.random.below(UPDATES);
    let list = worker.pages.list();
    put_updates(worker, list, count);
    request(worker, MMU_UPDATE, count, make)
}

/// Writes a list of updates, and what comes of them into the model.
pub(super) fn put_updates(worker: &mut Worker, list: Stretch, count: u64) {
    for at in (0..).step_by(16).take(usize::try_from(count).unwrap_or(0)) {
        let word = usize::try_from(worker.random.below(pages::RESULT_WORDS as u64)).unwrap_or(0);
        let value = worker.random.next();
        let (command, kept) =
            worker.random.one_of(&[(0, 0), (3, 0), (PT_UPDATE_PRESERVE_AD, ACCESSED_DIRTY)]);
        let address = worker.pages.result_frame(0) + 8 * word as u64;
        list.put(at, &[address | command, value]);
        worker.model[word] = value | worker.model[word] & kept;
    }
}

/// Clears and copies the pages for results, with flushes in between.
pub(super) fn operations(worker: &mut Worker, make: &mut Make<'_>) -> Result<(), Wrong> {
    let count = 1 + worker.random.below(OPERATIONS);
    for at in (0..).step_by(24).take(usize::try_from(count).unwrap_or(0)) {
        let pages = [(); 2].map(|()| usize::try_from(worker.random.below(3)).unwrap_or(0));
        let [to, from] = pages.map(|page| worker.pages.result_frame(page) / 4096);
        let command = worker.random.one_of(&[
            CLEAR_PAGE,
            COPY_PAGE,
            COPY_PAGE,
            INVLPG_LOCAL,
            PIN_L1_TABLE,
            UNPIN_TABLE,
            TLB_FLUSH_ALL,
        ]);
        worker.pages.list().put(at, &[command.into(), to, from]);
        let [to, from] = pages.map(|page| page * 512);
        match command {
            CLEAR_PAGE => worker.model[to..to + 512].fill(0),
            COPY_PAGE => worker.model.copy_within(from..from + 512, to),
            _ => {}
        }
    }
    request(worker, MMUEXT_OP, count, make)
}

fn request(worker: &Worker, number: u32, count: u64, make: &mut Make<'_>) -> Result<(), Wrong> {
    let done = worker.pages.arguments();
    done.set(0, 0x5555_5555_5555);
    let arguments = [worker.pages.list().address, count, done.address, SELF.into(), 0x77];
    expect(make(number, arguments) == 0, "a list of requests")?;
    expect(done.word(0) == 0x5555_0000_0000 | count, "its count")
}

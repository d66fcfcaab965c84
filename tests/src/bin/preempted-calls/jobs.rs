//! Every long call, whole and in pieces, cut wherever the timer happens to.

use scenarios::long_calls::{self, Job, Worker};
use xenolith_guest::{check, check_eq, println, scenario::Checks};

use crate::cuts::{self, Cutting};

/// How often each job is done in each form: so often that some of its calls are cut.
const ROUNDS: u32 = 2;

pub(crate) fn check(checks: &mut Checks, worker: &mut Worker) {
    for period_us in [300, 150] {
        let _cutting = Cutting::every_us(period_us);
        for job in Job::ALL {
            let mut told = 0;
            let before = cuts::count();
            for round in 0..ROUNDS {
                check_eq!(checks, worker.work(job, &mut long_calls::inline), Ok(()), "{job:?}");
                check_eq!(checks, worker.work(job, &mut long_calls::page), Ok(()), "{job:?}");
                let mut in_pieces =
                    |number, arguments| long_calls::in_pieces(number, arguments, || told += 1);
                let result = worker.work(job, &mut in_pieces);
                check_eq!(checks, result, Ok(()), "{job:?} in pieces, round {round}");
            }
            let cuts = cuts::count() - before;
            println!("{job:?} every {period_us} us: {cuts} cuts, {told} told");
            // A mapping is short, and a text may be.
            if job != Job::Mapping && job != Job::Text {
                check!(checks, told > 0, "{job:?}: {told} times -EAGAIN");
                check!(checks, cuts > 0, "{job:?}: {cuts} restarts");
            }
        }
    }
}

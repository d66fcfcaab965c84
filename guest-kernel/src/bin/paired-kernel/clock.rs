//! The commands about time.

use core::time::Duration;

use xenolith_guest::{StartInfo, console, events, print, println, time};

/// Prints the date and how long the domain has run.
pub(crate) fn now(_: &StartInfo) {
    println!("  time          {}, {} s since the start", time::wall_clock(), time::now());
}

/// Shows a line that keeps the time, for some seconds or until a key is pressed.
pub(crate) fn line(_: &StartInfo, seconds: &str) {
    for _ in 0..seconds.parse().unwrap_or(5_u64) {
        let (date, now, upcalls) = (time::wall_clock(), time::now(), events::upcalls());
        print!("\r  {date}  {now} s  {upcalls} upcalls ");
        if console::read_byte().is_some() || !slept(Duration::from_secs(1)) {
            break;
        }
    }
    println!();
}

/// Sleeps for so many milliseconds and prints how long that was.
pub(crate) fn sleep(_: &StartInfo, milliseconds: &str) {
    let wanted = Duration::from_millis(milliseconds.parse().unwrap_or(1000));
    let before = time::now();
    if slept(wanted) {
        println!("  slept {:?} instead of {wanted:?}", time::now() - before);
    }
}

/// Sleeps, or says why not.
fn slept(duration: Duration) -> bool {
    if time::timer_port().is_none() {
        println!("  there is no timer");
        return false;
    }
    let result = time::sleep(duration);
    if result.is_err() {
        println!("  every alarm is taken");
    }
    result.is_ok()
}

/// Prints the alarms that are set, and how often the timer has come.
pub(crate) fn timers(_: &StartInfo, _: &str) {
    let now = time::now();
    println!("  {} events of the timer, system time {now} s", time::ticks());
    for alarm in time::list() {
        match alarm.period {
            Some(period) => println!("  in {:?}, every {period:?}", alarm.deadline - now),
            None => println!("  in {:?}", alarm.deadline - now),
        }
    }
}

//! The log: each record becomes one line on the serial console.

use crate::console;
use core::fmt::{self, Write};
use log::{LevelFilter, Log, Metadata, Record};
use xenolith_core::options::LogLevel;

struct SerialLog;

static LOG: SerialLog = SerialLog;

/// Starts the log at its default level.
pub(crate) fn init() {
    log::set_logger(&LOG).expect("this runs once, before anything else could set a logger");
    set_level(LogLevel::Info);
}

/// Sets how much the log says.
pub(crate) fn set_level(level: LogLevel) {
    log::set_max_level(match level {
        LogLevel::Off => LevelFilter::Off,
        LogLevel::Error => LevelFilter::Error,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Trace => LevelFilter::Trace,
    });
}

impl Log for SerialLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                log::Level::Error => "error",
                log::Level::Warn => "warn",
                log::Level::Info => "info",
                log::Level::Debug => "debug",
                log::Level::Trace => "trace",
            };
            console::start_line();
            let _ = writeln!(Line, "(XL) {level}: {}", record.args());
        }
    }

    fn flush(&self) {
        console::flush();
    }
}

/// Writes to the console as pieces of the log.
struct Line;

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        console::write_log(text.as_bytes());
        Ok(())
    }
}

//! A trace as a timeline in the JSON form of Chrome's trace events, which Perfetto reads too.
//!
//! A domain is a process, a vCPU a thread in it. What takes time is a slice: a hypercall that root
//! serves, from the call to its result, and a VM exit. All other records are instants.

use std::io::{Read, Write};

use anyhow::Result;
use serde::Serialize;
use xenolith_core::hypercall::names::Named;
use xenolith_core::trace::{Event, Record};
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::qualification::exception_name;

use super::Records;
use super::list::what;

/// An entry of the list; times are in microseconds.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    #[serde(rename = "cat")]
    category: &'static str,
    #[serde(rename = "ph")]
    phase: &'static str,
    #[serde(skip)]
    start_ns: u64,
    #[serde(rename = "ts")]
    start: f64,
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(rename = "pid")]
    domain: u16,
    #[serde(rename = "tid")]
    vcpu: u32,
    args: Details,
}

/// What a viewer shows of an entry on request.
#[derive(Debug, Serialize)]
struct Details {
    what: String,
    rip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<i64>,
}

/// Writes the timeline; returns how many entries it has.
///
/// # Errors
/// The trace cannot be read, or nothing be written.
pub(super) fn write(records: Records<impl Read>, mut to: impl Write) -> Result<usize> {
    let mut entries = 0;
    let mut put = |entry: &Entry| -> Result<()> {
        to.write_all(if entries == 0 { b"{\"traceEvents\":[\n" } else { b",\n" })?;
        entries += 1;
        Ok(serde_json::to_writer(&mut to, entry)?)
    };
    let mut call: Option<Entry> = None;
    for record in records {
        let (record, event) = record?;
        if let Event::Result { .. } | Event::Cut { .. } = event {
            if let Some(mut call) = call.take() {
                call.phase = "X";
                call.duration = Some(microseconds(record.time_ns.saturating_sub(call.start_ns)));
                call.args.result =
                    if let Event::Result { value } = event { Some(value) } else { None };
                put(&call)?;
            }
            continue;
        }
        // One that the resident has served has no result; exits may come before one of root's.
        if let (Some(served), false) = (&call, matches!(event, Event::Exit { .. })) {
            put(served)?;
            call = None;
        }
        let entry = entry(&record, &event);
        match event {
            Event::Hypercall { .. } => call = Some(entry),
            _ => put(&entry)?,
        }
    }
    if let Some(call) = &call {
        put(call)?;
    }
    to.write_all(if entries == 0 { b"{\"traceEvents\":[]}\n" } else { b"\n]}\n" })?;
    to.flush()?;
    Ok(entries)
}

/// The entry of a record.
fn entry(record: &Record, event: &Event) -> Entry {
    let start_ns = record.time_ns;
    let (category, name) = title(event);
    let duration = match *event {
        Event::Exit { until_ns, .. } => Some(microseconds(until_ns.saturating_sub(start_ns))),
        _ => None,
    };
    Entry {
        name,
        category,
        phase: if duration.is_some() { "X" } else { "i" },
        start_ns,
        start: microseconds(start_ns),
        duration,
        domain: record.domain,
        vcpu: record.vcpu,
        args: Details { what: what(event), rip: format!("{:#x}", record.rip), result: None },
    }
}

/// Category and name.
fn title(event: &Event) -> (&'static str, String) {
    match *event {
        Event::Hypercall { number, args } => {
            let text = Named { number, args }.to_string();
            let (name, rest) = text.split_once('(').unwrap_or((&text, ""));
            let operation = rest.split([',', ')']).next().filter(|it| !it.starts_with("0x"));
            ("hypercall", operation.unwrap_or(name).to_owned())
        }
        Event::Result { .. } | Event::Cut { .. } => ("hypercall", String::new()),
        Event::SystemCall { number, .. } | Event::SysEnter { number } => {
            ("system call", format!("system call {number}"))
        }
        Event::Exception { vector, .. } => ("exception", exception_name(vector).to_owned()),
        Event::Upcall { .. } => ("upcall", "upcall".to_owned()),
        Event::Exit { reason, .. } => ("exit", ExitReason(reason).to_string()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a viewer takes numbers of this form")]
fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace;
    use super::*;
    use serde_json::Value;

    fn timeline(events: &[Event]) -> Vec<Value> {
        let bytes = trace(events);
        let mut text = Vec::new();
        let count = write(Records::new(&bytes[..]).unwrap(), &mut text).unwrap();
        let json: Value = serde_json::from_slice(&text).unwrap();
        let entries = json["traceEvents"].as_array().unwrap().clone();
        assert_eq!(entries.len(), count);
        entries
    }

    #[test]
    fn calls_with_a_result_and_exits_are_slices() {
        let entries = timeline(&[
            Event::Hypercall { number: 17, args: [0; 5] },
            Event::Hypercall { number: 29, args: [3, 0, 0, 0, 0] },
            Event::Exit { reason: 1, qualification: 0, until_ns: 3500 },
            Event::Result { value: -22 },
            Event::Upcall { from_process: true, selector: 1 },
        ]);
        let short: Vec<_> = entries
            .iter()
            .map(|it| {
                (it["name"].as_str().unwrap(), it["ph"].as_str().unwrap(), it["dur"].as_f64())
            })
            .collect();
        assert_eq!(
            short,
            [
                ("XENVER_version", "i", None),
                ("external interrupt", "X", Some(0.5)),
                ("SCHEDOP_poll", "X", Some(2.0)),
                ("upcall", "i", None),
            ]
        );
        assert_eq!(entries[2]["args"]["result"], -22);
        assert_eq!((&entries[2]["pid"], &entries[2]["tid"]), (&Value::from(1), &Value::from(0)));
    }

    #[test]
    fn a_trace_of_nothing_is_an_empty_timeline() {
        assert!(timeline(&[]).is_empty());
    }
}

//! The plot: one histogram for each call, all on the same logarithmic axis, with the aims.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::super::drawing::{Area, DrawingError, GRID, WIDTH, style};
use super::lines::Samples;
use super::{MEDIAN, WORST};

/// Pixels: of a call's row, of what is left and right of rows, above and below them.
const ROW: u32 = 26;
const LEFT: i32 = 290;
const RIGHT: u32 = 40;
const TOP: i32 = 44;
const BOTTOM: u32 = 56;
/// Decades of the axis, of instructions: 10^2 to 10^5. What lies beyond is in the last bar.
const DECADES: std::ops::Range<u32> = 2..5;
/// Bars in a decade.
const BARS: usize = 40;
/// Heights of bars, in pixels.
const BAR_HEIGHT: f64 = 20.0;

/// Draws the samples.
///
/// # Errors
/// Drawing fails.
pub(super) fn svg(calls: &[Samples]) -> Result<String> {
    let mut text = String::new();
    let rows = u32::try_from(calls.len())?;
    {
        let size = (WIDTH, TOP.unsigned_abs() + rows * ROW + BOTTOM);
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area, calls).map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    Ok(text)
}

fn draw(area: &Area<'_>, calls: &[Samples]) -> Result<(), DrawingError> {
    area.fill(&WHITE)?;
    let title = "Instructions from an event to its handler, while a hypercall is being made";
    area.draw_text(title, &style(20, HPos::Left), (10, 10))?;
    let bottom = y(calls.len());
    axis(area, bottom)?;
    for (name, aim, color) in [("aim, median", MEDIAN, GREEN_LINE), ("aim, worst", WORST, RED)] {
        line(area, x(aim), bottom, color)?;
        area.draw_text(name, &style(15, HPos::Center), (x(aim), bottom + 32))?;
    }
    for (index, call) in calls.iter().enumerate() {
        row(area, y(index), call)?;
    }
    area.present()
}

const GREEN_LINE: RGBColor = RGBColor(0, 130, 60);
const BAR: RGBColor = RGBColor(70, 110, 180);

/// Where row `index` begins.
fn y(index: usize) -> i32 {
    TOP + i32::try_from(index).unwrap_or(0) * ROW.cast_signed()
}

/// Where so many instructions are.
fn x(instructions: u64) -> i32 {
    pixel(position(instructions))
}

/// Where a part of the axis, 0 to 1, is.
#[expect(clippy::cast_possible_truncation, reason = "a picture is small")]
fn pixel(part: f64) -> i32 {
    let width = f64::from((WIDTH - RIGHT).cast_signed() - LEFT);
    LEFT + (part * width).round() as i32
}

/// Which part of the axis, 0 to 1, so many instructions are.
#[expect(clippy::cast_precision_loss, reason = "a picture is coarse")]
fn position(instructions: u64) -> f64 {
    let decades = f64::from(DECADES.end - DECADES.start);
    ((instructions.max(1) as f64).log10() - f64::from(DECADES.start)).clamp(0.0, decades) / decades
}

fn line(area: &Area<'_>, at: i32, bottom: i32, color: RGBColor) -> Result<(), DrawingError> {
    area.draw(&PathElement::new([(at, TOP), (at, bottom + 4)], color.stroke_width(1)))
}

fn axis(area: &Area<'_>, bottom: i32) -> Result<(), DrawingError> {
    for decade in DECADES.start..=DECADES.end {
        let value = 10_u64.pow(decade);
        line(area, x(value), bottom, GRID)?;
        area.draw_text(&value.to_string(), &style(15, HPos::Center), (x(value), bottom + 8))?;
    }
    Ok(())
}

/// The name of a call, and its bars: the highest is as high as a row.
fn row(area: &Area<'_>, top: i32, call: &Samples) -> Result<(), DrawingError> {
    area.draw_text(&call.call, &style(16, HPos::Right), (LEFT - 10, top + 6))?;
    let counts = counts(call);
    let most = counts.iter().copied().max().unwrap_or(1);
    let floor = top + ROW.cast_signed();
    area.draw(&PathElement::new([(LEFT, floor), ((WIDTH - RIGHT).cast_signed(), floor)], GRID))?;
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count != 0) {
        let [left, right] = [index, index + 1].map(|edge| pixel(part(edge, counts.len())));
        // A single sample is still to be seen.
        let height = pixels(BAR_HEIGHT * part(*count, most)).max(2);
        area.draw(&Rectangle::new([(left, floor - height), (right, floor)], BAR.filled()))?;
    }
    Ok(())
}

/// How many samples each bar stands for.
fn counts(call: &Samples) -> Vec<usize> {
    let bars = BARS * DECADES.len();
    let mut counts = vec![0; bars];
    for (_, latency) in &call.events {
        counts[bar(position(*latency), bars)] += 1;
    }
    counts
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1")]
#[expect(clippy::cast_precision_loss, reason = "bars are few")]
fn bar(position: f64, bars: usize) -> usize {
    ((position * bars as f64) as usize).min(bars - 1)
}

#[expect(clippy::cast_precision_loss, reason = "both are small")]
fn part(number: usize, of: usize) -> f64 {
    number as f64 / of as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a bar is low")]
fn pixels(height: f64) -> i32 {
    height.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(latencies: &[u64]) -> Samples {
        let events = latencies.iter().map(|latency| (0, *latency)).collect();
        Samples { call: "<a call>".into(), instructions: 9, events }
    }

    #[test]
    fn every_sample_is_in_a_bar() {
        let counts = counts(&call(&[0, 99, 100, 1000, 1001, 999_999, 1_000_000, u64::MAX]));
        assert_eq!(counts.iter().sum::<usize>(), 8);
        assert_eq!((counts[0], counts[BARS], *counts.last().unwrap()), (3, 2, 3));
    }

    #[test]
    fn the_picture_has_names_aims_and_bars() {
        let text = svg(&[call(&[500]), call(&[600, 90_000])]).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        for part in ["&lt;a call&gt;", "aim, median", "aim, worst", "100000"] {
            assert!(text.contains(part), "{part}");
        }
        assert_eq!(text.matches("<rect").count(), 1 + 3, "the background and a bar each");
    }
}

//! The plot: a block of bars for each operation, a bar for each form.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::super::drawing::{Area, DrawingError, GRID, WIDTH, style};
use super::{FORMS, Measured, Row};

/// Pixels: of a bar's height, between blocks, of what is left and right of bars, above and below them.
const BAR: i32 = 14;
const GAP: i32 = 14;
const LEFT: i32 = 290;
const RIGHT: i32 = 60;
const TOP: i32 = 44;
const BOTTOM: i32 = 50;

/// The colours of the forms.
const COLORS: [RGBColor; FORMS.len()] = [
    RGBColor(0, 110, 60),
    RGBColor(80, 170, 110),
    RGBColor(165, 215, 180),
    RGBColor(70, 110, 180),
    RGBColor(190, 60, 50),
];

/// Draws the figures.
///
/// # Errors
/// Drawing fails.
pub(super) fn svg(measured: &Measured) -> Result<String> {
    let mut text = String::new();
    {
        let height = y(measured.operations.len()) + BOTTOM + BAR * forms() + GAP;
        let size = (WIDTH, height.unsigned_abs());
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area, measured).map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    Ok(text)
}

/// The number of forms.
fn forms() -> i32 {
    i32::try_from(FORMS.len()).unwrap_or(0)
}

/// Where block `index` begins.
fn y(index: usize) -> i32 {
    TOP + i32::try_from(index).unwrap_or(0) * (forms() * BAR + GAP)
}

fn draw(area: &Area<'_>, measured: &Measured) -> Result<(), DrawingError> {
    area.fill(&WHITE)?;
    let title = format!("Nanoseconds for operations on interrupts, {}", measured.cpu);
    area.draw_text(&title, &style(20, HPos::Left), (10, 10))?;
    let rows = &measured.operations;
    let most = rows.iter().flat_map(|row| row.ns).flatten().fold(1.0, f64::max).ceil();
    axis(area, y(rows.len()), most)?;
    for (index, row) in rows.iter().enumerate() {
        block(area, y(index), row, most)?;
    }
    legend(area, y(rows.len()) + BOTTOM)?;
    area.present()
}

/// Where so many nanoseconds are.
#[expect(clippy::cast_possible_truncation, reason = "a picture is small")]
fn x(ns: f64, most: f64) -> i32 {
    LEFT + (ns / most * f64::from(WIDTH.cast_signed() - LEFT - RIGHT)).round() as i32
}

fn axis(area: &Area<'_>, bottom: i32, most: f64) -> Result<(), DrawingError> {
    let mut ns = 0.0;
    while ns <= most {
        let at = x(ns, most);
        area.draw(&PathElement::new([(at, TOP), (at, bottom)], GRID.stroke_width(1)))?;
        area.draw_text(&format!("{ns}"), &style(15, HPos::Center), (at, bottom + 6))?;
        ns += 1.0;
    }
    Ok(())
}

/// The name of an operation, its bars and their lengths in words.
fn block(area: &Area<'_>, top: i32, row: &Row, most: f64) -> Result<(), DrawingError> {
    area.draw_text(row.op, &style(16, HPos::Right), (LEFT - 10, top + 2 * BAR))?;
    let mut top = top;
    for (ns, color) in row.ns.iter().zip(COLORS) {
        if let Some(ns) = *ns {
            let right = x(ns, most);
            let bar = [(LEFT, top + 1), (right.max(LEFT + 1), top + BAR - 1)];
            area.draw(&Rectangle::new(bar, color.filled()))?;
            area.draw_text(&format!("{ns:.2}"), &style(13, HPos::Left), (right + 4, top + 1))?;
        }
        top += BAR;
    }
    Ok(())
}

/// What the colours mean.
fn legend(area: &Area<'_>, top: i32) -> Result<(), DrawingError> {
    let mut top = top;
    for ((_, name, _), color) in FORMS.iter().zip(COLORS) {
        let sample = [(LEFT, top + 1), (LEFT + 30, top + BAR - 1)];
        area.draw(&Rectangle::new(sample, color.filled()))?;
        area.draw_text(name, &style(15, HPos::Left), (LEFT + 40, top))?;
        top += BAR;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_names_figures_and_a_bar_for_each() {
        let row = Row { op: "save_fl", ns: [Some(0.5), Some(1.0), None, None, Some(3.25)] };
        let forms = FORMS.map(|form| form.1);
        let text = svg(&Measured { cpu: "X".into(), forms, operations: vec![row] }).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        for part in ["save_fl", "0.50", "3.25", "through the table"] {
            assert!(text.contains(part), "{part}");
        }
        assert_eq!(text.matches("<rect").count(), 1 + 3 + FORMS.len());
    }
}

//! What plots have in common: how wide they are, and how text and lines look.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Pixels of a picture's width.
pub(super) const WIDTH: u32 = 1000;
/// Lines that only help reading.
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);

/// A picture, or a part of one.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What goes wrong.
pub(super) type DrawingError = DrawingAreaErrorKind<std::io::Error>;

/// A font of so many pixels, of which capital letters are some two thirds, and where text is relative
/// to its point.
pub(super) fn style<'a>(pixels: u32, horizontal: HPos) -> TextStyle<'a> {
    ("sans-serif", pixels).into_text_style(&(WIDTH, WIDTH)).pos(Pos::new(horizontal, VPos::Top))
}

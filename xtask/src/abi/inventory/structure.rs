//! Structures in the inventory: the size, every field's offset, size and sign, and the padding.

use syn::{Fields, ItemStruct};

use super::walk::{Place, Walk};
use crate::abi::question::{Field, Subject};
use crate::abi::source::{self, Shape};

/// How the names of fields start that are padding in C as well.
const PADDING: &str = "padding";

impl Walk<'_> {
    /// Takes in a structure.
    pub(super) fn structure(&mut self, place: &Place, structure: &ItemStruct) {
        let name = &structure.ident;
        for tag in self.c_names(place, name, &structure.vis, &structure.attrs) {
            let Fields::Named(fields) = &structure.fields else {
                let what = format!("{name} has fields without names");
                return self.problem(place, source::line(name), &what);
            };
            if !source::is_repr_c(&structure.attrs) || !structure.generics.params.is_empty() {
                let what = format!("{name} does not have C's layout");
                return self.problem(place, source::line(name), &what);
            }
            let (rust, c) = (format!("{}{name}", place.module), c_type(&tag));
            let (mut padding, mut named) = (Vec::new(), Vec::new());
            for field in &fields.named {
                let c_fields = self.field(place, &rust, &c, field);
                if c_fields.is_empty() {
                    padding.extend(field.ident.as_ref().map(ToString::to_string));
                }
                named.extend(c_fields);
            }
            self.ask(place, name, Subject::Size { rust: rust.clone(), c: c.clone() });
            if !fields.named.last().is_some_and(is_open) {
                self.ask(place, name, Subject::Padding { rust, c, padding, named });
            }
        }
    }

    /// Takes in a field and returns its names in C: none if it is padding.
    fn field(&mut self, place: &Place, rust: &str, c: &str, field: &syn::Field) -> Vec<String> {
        let Some(name) = &field.ident else { return Vec::new() };
        let mut c_fields = source::aliases(&field.attrs);
        let is_padding = c_fields.is_empty() && name.to_string().starts_with(PADDING);
        if !self.is_plain(place, name, &field.vis, &field.attrs) || is_padding {
            return c_fields;
        }
        if c_fields.is_empty() {
            c_fields.push(name.to_string());
        }
        let signed = source::shape(&field.ty) == Shape::Signed;
        for c_field in &c_fields {
            let names = Field {
                owner: rust.to_owned(),
                name: name.to_string(),
                c_owner: c.to_owned(),
                c_name: c_field.clone(),
            };
            self.ask(place, name, Subject::Offset(names.clone()));
            if !is_open(field) {
                self.ask(place, name, Subject::Extent { field: names, signed });
            }
        }
        c_fields
    }
}

/// Whether the field stands for an array of open length, which has no size and no padding in C.
fn is_open(field: &syn::Field) -> bool {
    source::shape(&field.ty) == Shape::Bytes(0)
}

/// The type in C: `tag` is a structure's, or the way from one to a nameless structure within it.
fn c_type(tag: &str) -> String {
    match tag.split_once('.') {
        None => format!("struct {tag}"),
        Some((outer, inner)) => format!("__typeof__(((struct {outer} *)0)->{inner})"),
    }
}

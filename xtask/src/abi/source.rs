//! What the inventory asks of parsed Rust source: documentation, aliases, types.

use syn::{Attribute, Expr, ExprLit, Lit, Meta, Type};

/// The names in the item's `#[doc(alias = "...")]` attributes.
pub(super) fn aliases(attributes: &[Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        // Text documentation has no list and is passed over.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("alias") {
                names.push(meta.value()?.parse::<syn::LitStr>()?.value());
            }
            Ok(())
        });
    }
    names
}

/// The item's documentation, line by line.
pub(super) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value() + "\n"),
            _ => None,
        },
        _ => None,
    });
    lines.collect()
}

/// The headers that a module's documentation names, each as `xen/...` between backquotes.
pub(super) fn headers(documentation: &str) -> Vec<String> {
    let quoted = documentation.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.starts_with("xen/")).map(ToOwned::to_owned).collect()
}

/// Whether the attribute makes its item depend on the configuration, or moves it.
pub(super) fn is_conditional(attribute: &Attribute) -> bool {
    ["cfg", "cfg_attr", "path"].iter().any(|name| attribute.path().is_ident(name))
}

/// Whether the structure has C's layout.
pub(super) fn is_repr_c(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        // `packed(N)` and its like end the parse early, after `C` was seen or not at all.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("C");
            Ok(())
        });
    }
    found
}

/// A type that a question can be asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// An integer without a sign.
    Unsigned,
    /// An integer with a sign.
    Signed,
    /// An array of bytes, of a length given by a literal.
    Bytes(usize),
    /// Anything else.
    Other,
}

/// The shape of a type as it is written.
pub(super) fn shape(written: &Type) -> Shape {
    match written {
        Type::Path(path) => {
            let is_any = |names: &[&str]| names.iter().any(|name| path.path.is_ident(name));
            if is_any(&["u8", "u16", "u32", "u64", "usize"]) {
                Shape::Unsigned
            } else if is_any(&["i8", "i16", "i32", "i64", "isize"]) {
                Shape::Signed
            } else {
                Shape::Other
            }
        }
        Type::Array(array) => match (&*array.elem, &array.len) {
            (Type::Path(byte), Expr::Lit(ExprLit { lit: Lit::Int(length), .. }))
                if byte.path.is_ident("u8") =>
            {
                length.base10_parse().map_or(Shape::Other, Shape::Bytes)
            }
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}

/// The line of a name, which is that of its item without attributes and documentation.
pub(super) fn line(name: &syn::Ident) -> usize {
    name.span().start().line
}

//! A registration as a row of a table, RFC 4180.

use kapi::{HTTP_FIELDS, Spelling, Value, visit_fields};
use registration::View;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Appends the row of names.
pub(crate) fn write_head(out: &mut Vec<u8>) {
    out.extend_from_slice(HTTP_FIELDS.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends a registration's row; what is absent is an empty cell.
pub(crate) fn write_row(registration: &View<'_>, out: &mut Vec<u8>) {
    let mut columns = HTTP_FIELDS.iter();
    let mut first = true;
    let mut cell = |value: Option<Value<'_>>, out: &mut Vec<u8>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        if let Some(value) = value {
            write_cell(value, out);
        }
    };
    visit_fields(registration, Spelling::Http, |field, value| {
        // Both are in the same order.
        for column in columns.by_ref() {
            if field.name == *column {
                cell(Some(value), out);
                break;
            }
            cell(None, out);
        }
    });
    for _ in columns {
        cell(None, out);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_cell(value: Value<'_>, out: &mut Vec<u8>) {
    let Value::Text(text) = value else {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    };
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if !text.contains(['"', ',', '\r', '\n']) {
        out.extend_from_slice(guard.as_bytes());
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(guard.as_bytes());
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

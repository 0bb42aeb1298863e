//! A list as CSV, RFC 4180.

use actix_web::{HttpResponse, http::header};
use kapi::{HTTP_FIELDS, Spelling, Value, visit_fields};
use registrar::EntryRef;
use registration::View;

use super::{
    cursor::Cursor,
    pieces::{Pieces, send},
};

/// A spreadsheet takes a cell with one of these first for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Answers with a sorted list, and a header that says where the next page begins.
pub(super) fn answer(registrations: Vec<EntryRef>, next: Option<&Cursor>) -> HttpResponse {
    let mut head = HTTP_FIELDS.join(",").into_bytes();
    head.extend_from_slice(b"\r\n");
    let write = |_, entry: &EntryRef, out: &mut Vec<u8>| write_row(&entry.view(), out);
    let pieces = Pieces::new(head, registrations, write, "");
    let attachment = "attachment; filename=registrations.csv";
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, attachment));
    if let Some(next) = next {
        response.insert_header(("X-Next-Start-Key", next.to_key()));
    }
    send(&mut response, pieces)
}

/// Appends a registration's row; an absent field is an empty cell.
fn write_row(registration: &View<'_>, out: &mut Vec<u8>) {
    let mut columns = HTTP_FIELDS.iter();
    let begin = out.len();
    visit_fields(registration, Spelling::Http, |field, value| {
        // Both are in the same order.
        for column in columns.by_ref() {
            if field.name == *column {
                write_cell(value, out);
                out.push(b',');
                break;
            }
            out.push(b',');
        }
    });
    out.extend(columns.map(|_| b','));
    if out.len() > begin {
        // Each cell has a comma behind it.
        out.pop();
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

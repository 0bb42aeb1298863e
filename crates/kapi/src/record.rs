//! A registration as a line of a snapshot: as in messages, with its zone.

use registration::{Registration, Report};

use crate::{
    decode::registration,
    event::Reject,
    fields::{Spelling, write_fields},
    wire::Body,
};

/// Appends the registration as one JSON object without line breaks.
pub fn write_record(record: &Registration, out: &mut Vec<u8>) {
    write_fields(record, Spelling::Amqp, |_| true, out);
    if out.last() == Some(&b'}') {
        out.pop();
        out.extend_from_slice(b",\"AMQP-Broker-Zone\":");
        // Text always serialises.
        out.extend(serde_json::to_vec(record.zone.as_str()).unwrap_or_default());
        out.push(b'}');
    }
}

/// Reads what [`write_record`] wrote; to be made a registration again by
/// [`Registration::from_record`].
pub fn read_record(line: &[u8]) -> Result<Report, Reject> {
    let body: Body<'_> = serde_json::from_slice(line).map_err(|error| Reject::not_json(&error))?;
    registration(&body)
}

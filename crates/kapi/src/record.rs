//! A registration as members tell each other of it: as in messages, with its zone.

use registration::Registration;

use crate::fields::{Spelling, write_fields};

/// Appends the registration as one JSON object without line breaks.
pub(crate) fn write_record(record: &Registration, out: &mut Vec<u8>) {
    write_fields(record, Spelling::Amqp, |_| true, out);
    if out.last() == Some(&b'}') {
        out.pop();
        out.extend_from_slice(b",\"AMQP-Broker-Zone\":");
        // Text always serialises.
        out.extend(serde_json::to_vec(record.zone.as_str()).unwrap_or_default());
        out.push(b'}');
    }
}

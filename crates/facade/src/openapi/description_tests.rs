//! That the description says what is sent.

use kapi::HTTP_FIELDS;
use serde_json::Value;

use super::*;

#[test]
fn a_registration_has_the_fields_that_are_sent() {
    let api: Value = serde_json::from_str(&description()).unwrap();
    let schema = &api["components"]["schemas"]["Registration"]["properties"];
    let described: std::collections::BTreeSet<_> =
        schema.as_object().unwrap().keys().cloned().collect();
    let sent = HTTP_FIELDS
        .iter()
        .map(|field| (*field).to_owned())
        .collect();
    assert_eq!(described, sent);
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(
                    object
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let api: Value = serde_json::from_str(&description()).unwrap();
    let mut found = Vec::new();
    references(&api, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(
            api.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

#[test]
fn a_name_without_a_value_is_a_yes_in_the_description_too() {
    let api: Value = serde_json::from_str(&description()).unwrap();
    let parameters =
        &api["paths"]["/v2/accounts/{account_id}/registrations/{username}"]["delete"]["parameters"];
    let force = parameters
        .as_array()
        .unwrap()
        .iter()
        .find(|parameter| parameter["name"] == "force")
        .unwrap();
    let reference = force["schema"]["$ref"].as_str().unwrap();
    let schema = api.pointer(reference.trim_start_matches('#')).unwrap();
    for word in ["", "true", "false", "1", "no"] {
        assert!(
            schema["enum"].as_array().unwrap().contains(&word.into()),
            "{word:?}"
        );
    }
}

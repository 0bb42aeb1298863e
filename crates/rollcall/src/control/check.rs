//! `check-config`: all that `serve` would refuse, without serving.

use std::path::Path;

use amqp::AmqpBus;
use facade::Certificate;

use super::{
    exit::{Code, Failure},
    output::line,
};
use crate::{
    accounts, auth,
    config::Config,
    serve::{amqp_settings, environment, registrar_settings, zones},
};

/// `rollcall check-config`
pub(super) fn check(file: &Path) -> anyhow::Result<()> {
    // Whichever part speaks TLS first must find one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load(Some(file), environment())?;
    let problems = problems(&config);
    if !problems.is_empty() {
        let message = format!(
            "{} cannot be used:\n  {}",
            file.display(),
            problems.join("\n  ")
        );
        return Err(Failure::of(Code::Failed, message));
    }
    let names: Vec<_> = config.zones.iter().map(|zone| zone.name.as_str()).collect();
    line(&format!(
        "{} can be used: node {}, {} on {} port {}, zones {}",
        file.display(),
        config.amqp.node,
        if config.http.tls.is_some() {
            "HTTPS"
        } else {
            "HTTP"
        },
        config.http.bind,
        config.http.port,
        names.join(", ")
    ))
}

/// What is wrong with the files that are named, and with what only its user can tell.
fn problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    let mut note = |result: anyhow::Result<()>| {
        problems.extend(result.err().map(|error| format!("{error:#}")));
    };
    note(auth::auth(config).map(drop));
    if let Some((chain, key)) = config.http.tls.clone() {
        note(Certificate::read(chain, key).map(drop).map_err(Into::into));
    }
    if let Some(realms) = &config.accounts.realms_file {
        note(accounts::read(realms).map(drop));
    }
    let bus = AmqpBus::new(amqp_settings(config), zones(config));
    note(bus.map(drop).map_err(Into::into));
    note(registrar_settings(config).map(drop));
    problems
}

//! `check-config`: all that `serve` would refuse, without serving.

use std::path::PathBuf;

use amqp::AmqpBus;
use clap::Args;

use super::{
    exit::{Code, Failure},
    output::line,
};
use crate::{
    config::{Config, environment},
    serve::{auth, certificate, install_crypto, realms, registrar_settings},
};

/// What `check-config` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Configuration file; `ROLLCALL_SECTION__KEY` variables go before it
    file: PathBuf,
}

impl CheckArgs {
    /// `rollcall check-config`
    pub fn run(self) -> anyhow::Result<()> {
        install_crypto();
        let config = Config::load(Some(&self.file), environment())?;
        let problems = problems(&config);
        if !problems.is_empty() {
            let message = format!(
                "{} cannot be used:\n  {}",
                self.file.display(),
                problems.join("\n  ")
            );
            return Err(Failure::of(Code::Failed, message));
        }
        let names: Vec<_> = config.zones.iter().map(|zone| zone.zone.as_str()).collect();
        let is_encrypted = config.http.tls.is_some();
        line(&format!(
            "{} can be used: node {}, {} on {} port {}, zones {}",
            self.file.display(),
            config.amqp.settings.node,
            if is_encrypted { "HTTPS" } else { "HTTP" },
            config.http.bind,
            config.http.port,
            names.join(", ")
        ))
    }
}

/// Problems with the files that are named, and with values that only their user can check.
fn problems(config: &Config) -> Vec<String> {
    let bus = AmqpBus::new(config.amqp.settings.clone(), config.zones.clone());
    let checked = [
        auth::auth(config).map(drop),
        certificate(config).map(drop),
        realms::of(&config.accounts).map(drop),
        bus.map(drop).map_err(Into::into),
        registrar_settings(config).map(drop),
    ];
    let problems = checked.into_iter().filter_map(Result::err);
    problems.map(|error| format!("{error:#}")).collect()
}

//! What a broker asks of a client beside the URI: TLS, certificates, a password from a file.

use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::SecretString;
use tcp_stream::{RustlsConnector, RustlsConnectorConfig};

/// Credentials beside the URI. The files are read for each connection, so that renewed ones need no
/// restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// For `amqps://`.
    pub tls: TlsFiles,
    /// A file whose first line replaces the password in every URI.
    pub password_file: Option<PathBuf>,
}

/// PEM files of a zone's `amqps://` connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that may sign brokers' certificates; the system's if not set.
    pub authorities: Option<PathBuf>,
    /// Our certificate and its key, if the broker asks for one.
    pub identity: Option<IdentityFiles>,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Access {
    /// The password, if a file holds it.
    pub(crate) fn password(&self) -> io::Result<Option<SecretString>> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let read = fs::read_to_string(path).map_err(|error| at(path, &error))?;
        Ok(Some(read.lines().next().unwrap_or_default().into()))
    }
}

impl TlsFiles {
    /// A connector; the error names the file that cannot be used.
    pub(crate) fn connector(&self) -> io::Result<RustlsConnector> {
        let config = if let Some(path) = &self.authorities {
            let mut config = RustlsConnectorConfig::default();
            config.add_parsable_certificates(certificates(path)?);
            config
        } else {
            RustlsConnectorConfig::new_with_native_certs()?
        };
        let Some(IdentityFiles { certificate, key }) = &self.identity else {
            return config.connector_with_no_client_auth();
        };
        let chain = certificates(certificate)?;
        let read = fs::read(key).map_err(|error| at(key, &error))?;
        let private = PrivateKeyDer::from_pem_slice(&read)
            .map_err(|_| at(key, &"there is no private key in it"))?;
        config
            .connector_with_single_cert(chain, private)
            .map_err(|error| at(key, &error))
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = fs::read(path).map_err(|error| at(path, &error))?;
    let certificates = CertificateDer::pem_slice_iter(&read)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| at(path, &error))?;
    if certificates.is_empty() {
        return Err(at(path, &"there is no certificate in it (PEM)"));
    }
    Ok(certificates)
}

fn at(path: &Path, error: &impl Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

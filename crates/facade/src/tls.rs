//! Certificates from files, read again when they change.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {file}: {reason}")]
pub struct TlsError {
    file: String,
    reason: String,
}

/// A certificate chain and its key, as they stand in their files.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    changed: [Option<SystemTime>; 2],
}

impl Certificate {
    /// Reads both files, PEM.
    pub fn read(chain: PathBuf, key: PathBuf) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(load(&chain, &key)?);
        Ok(Arc::new(Self {
            chain,
            key,
            current,
        }))
    }

    /// Reads them again if they have changed; connections that stand keep what they have. True if
    /// there is a new one; while the files cannot be used the old one stays.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let changed = [&self.chain, &self.key].map(changed);
        let lock = self.current.read().unwrap_or_else(PoisonError::into_inner);
        if lock.changed == changed {
            return Ok(false);
        }
        drop(lock);
        let renewed = load(&self.chain, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }

    /// What a server goes by.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        Ok(config.with_cert_resolver(Arc::<Self>::clone(self)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.key))
    }
}

fn changed(file: &PathBuf) -> Option<SystemTime> {
    std::fs::metadata(file)
        .and_then(|file| file.modified())
        .ok()
}

fn load(chain: &PathBuf, key: &PathBuf) -> Result<Current, TlsError> {
    let bad = |file: &PathBuf, reason: String| TlsError {
        file: file.display().to_string(),
        reason,
    };
    let before = [chain, key].map(changed);
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(bad(chain, "there is no certificate in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, error.to_string()))?;
    let signing =
        ring::sign::any_supported_type(&private).map_err(|error| bad(key, error.to_string()))?;
    let certified = CertifiedKey::new(certificates, signing);
    certified
        .keys_match()
        .map_err(|error| bad(key, format!("it is not the certificate's: {error}")))?;
    Ok(Current {
        key: Arc::new(certified),
        changed: before,
    })
}

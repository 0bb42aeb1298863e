//! An authority of the lab's own, and those whom it vouches for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// PEM files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// PEM files for a broker and its client.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority that vouches for both.
    pub authority: PathBuf,
    /// Another authority, which vouches for nobody.
    pub stranger: PathBuf,
    /// The broker, which is `localhost` and nobody else.
    pub server: Identity,
    /// The client, by the common name `rollcall`.
    pub client: Identity,
}

/// Name of the user that the client's certificate stands for.
pub const CLIENT: &str = "rollcall";

impl Certificates {
    /// Writes them into a folder.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let (authority, issuer) = self::authority(folder, "authority")?;
        let (stranger, _) = self::authority(folder, "stranger")?;
        Ok(Self {
            authority,
            stranger,
            server: identity(folder, "localhost", &issuer)?,
            client: identity(folder, CLIENT, &issuer)?,
        })
    }
}

type Authority = (PathBuf, Issuer<'static, KeyPair>);

fn authority(folder: &Path, name: &str) -> anyhow::Result<Authority> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let path = folder.join(format!("{name}.pem"));
    fs::write(&path, params.self_signed(&key)?.pem())?;
    Ok((path, Issuer::new(params, key)))
}

fn identity(
    folder: &Path,
    name: &str,
    issuer: &Issuer<'static, KeyPair>,
) -> anyhow::Result<Identity> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let files = Identity {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    fs::write(&files.certificate, params.signed_by(&key, issuer)?.pem())?;
    fs::write(&files.key, key.serialize_pem())?;
    Ok(files)
}

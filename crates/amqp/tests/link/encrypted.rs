//! TLS: whom we believe, who we are, and where passwords come from.

use std::{fs, path::Path};

use amqp::{Access, AmqpBus, IdentityFiles, SettingsError, TlsFiles, ZoneSettings};
use lab::{amqp::Client, broker::Broker, certificates::CLIENT, secrets::BROKER_PASSWORD};
use registration::Zone;

use crate::node::{Node, register, settings};

fn access(authority: &Path, identity: Option<IdentityFiles>) -> Access {
    Access {
        tls: TlsFiles {
            authorities: Some(authority.to_owned()),
            identity,
        },
        password_file: None,
    }
}

#[tokio::test]
async fn brokers_are_known_by_their_authority_and_their_name() -> anyhow::Result<()> {
    let broker = Broker::start_with_tls().await?;
    let (port, files) = broker.tls().unwrap();
    let good = access(&files.authority, None);
    let node = Node::with(
        settings(),
        &format!("amqps://guest:{BROKER_PASSWORD}@localhost:{port}"),
        good.clone(),
    )?;
    node.consuming().await?;
    let client = Client::connect(broker.vhost("/").uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;

    let by_address = format!("amqps://guest:{BROKER_PASSWORD}@127.0.0.1:{port}");
    let node = Node::with(settings(), &by_address, good)?;
    node.down("not valid for name").await?;
    let by_name = format!("amqps://guest:{BROKER_PASSWORD}@localhost:{port}");
    let stranger = access(&files.stranger, None);
    let node = Node::with(settings(), &by_name, stranger)?;
    node.down("UnknownIssuer").await?;
    // Nor is an authority of our own one of the system's.
    let node = Node::with(settings(), &by_name, Access::default())?;
    node.down("UnknownIssuer").await
}

#[tokio::test]
async fn a_certificate_stands_for_user_and_password() -> anyhow::Result<()> {
    let broker = Broker::start_with_tls().await?;
    let (port, files) = broker.tls().unwrap();
    broker.vhost("/").add_user(CLIENT).await?;
    let identity = IdentityFiles {
        certificate: files.client.certificate.clone(),
        key: files.client.key.clone(),
    };
    let uri = format!("amqps://localhost:{port}/%2f?auth_mechanism=external");
    let node = Node::with(settings(), &uri, access(&files.authority, Some(identity)))?;
    node.consuming().await?;
    let node = Node::with(settings(), &uri, access(&files.authority, None))?;
    node.down("ACCESS").await
}

#[tokio::test]
async fn a_password_may_stand_in_a_file_and_change() -> anyhow::Result<()> {
    let vhost = lab::broker::vhost().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("password");
    fs::write(&file, "planted-wrong\n")?;
    let access = Access {
        tls: TlsFiles::default(),
        password_file: Some(file.clone()),
    };
    let uri = vhost.uri().replace(&format!(":{BROKER_PASSWORD}"), "");
    let node = Node::with(settings(), &uri, access)?;
    node.down("ACCESS").await?;
    fs::write(&file, format!("{BROKER_PASSWORD}\n"))?;
    node.consuming().await
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (empty, secret) = (path("empty.pem", ""), path("secret.key", "hunter2"));
    let nowhere = folder.path().join("nowhere.pem");
    let refused = |access: Access| {
        let zone = ZoneSettings {
            zone: Zone::new("east"),
            uris: vec!["amqps://h".into()],
            access,
        };
        let error = AmqpBus::new(settings(), vec![zone]).map(drop).unwrap_err();
        assert!(matches!(error, SettingsError::File { .. }), "{error:?}");
        let said = format!("{error} {error:?}");
        assert!(said.contains("east") && !said.contains("hunter2"), "{said}");
        said
    };
    assert!(refused(access(&empty, None)).contains("empty.pem: there is no certificate in it"));
    assert!(refused(access(&nowhere, None)).contains("nowhere.pem: No such file"));
    let password_file = Some(nowhere);
    let tls = TlsFiles::default();
    assert!(refused(Access { tls, password_file }).contains("nowhere.pem"));
    let key = rcgen::generate_simple_self_signed(["h".to_owned()]).unwrap();
    let certificate = path("good.pem", &key.cert.pem());
    let identity = IdentityFiles {
        certificate: certificate.clone(),
        key: secret,
    };
    let said = refused(access(&certificate, Some(identity)));
    assert!(
        said.contains("secret.key: there is no private key in it"),
        "{said}"
    );
}

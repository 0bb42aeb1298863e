//! The Unix socket for operators: a user who may open its file may do everything.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use anyhow::Context as _;

/// Listens at `path`. The file has its mode before any other process can see it: it is made in a folder that
/// only we may enter, and then put in its place.
pub(super) fn listen(path: &Path, mode: u32) -> anyhow::Result<UnixListener> {
    let name = path.display();
    make_way(path)?;
    let cannot = || {
        format!(
            "cannot listen on {name} (admin.socket): does its folder exist, may it be written to, \
             and is the path shorter than 90 bytes?"
        )
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let hidden = tempfile::Builder::new()
        .prefix(".")
        .rand_bytes(4)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(folder)
        .with_context(cannot)?;
    let fresh = hidden.path().join("s");
    let listener = UnixListener::bind(&fresh).with_context(cannot)?;
    fs::set_permissions(&fresh, Permissions::from_mode(mode)).with_context(cannot)?;
    fs::rename(&fresh, path).with_context(cannot)?;
    Ok(listener)
}

/// A socket that a process has left behind may be replaced; one that is used, or another file, not.
fn make_way(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look at {name} (admin.socket)")),
        Ok(found) => {
            anyhow::ensure!(
                found.file_type().is_socket(),
                "{name} (admin.socket) is there already and no socket: name another path"
            );
            anyhow::ensure!(
                UnixStream::connect(path).is_err(),
                "another process listens on {name}: give each rollcall its own admin.socket"
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_its_mode_and_replaces_only_an_unused_socket() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("admin.sock");
        let listener = listen(&path, 0o600).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        let refused = listen(&path, 0o600).unwrap_err().to_string();
        assert!(refused.contains("another process"), "{refused}");
        drop(listener);
        listen(&path, 0o660).unwrap();
        let left = fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left, 1, "nothing but the socket is left");
    }

    #[test]
    fn another_file_is_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("precious");
        fs::write(&path, "x").unwrap();
        assert!(
            listen(&path, 0o600)
                .unwrap_err()
                .to_string()
                .contains("no socket")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        let nowhere = home.path().join("missing/admin.sock");
        assert!(
            listen(&nowhere, 0o600)
                .unwrap_err()
                .to_string()
                .contains("folder")
        );
    }
}

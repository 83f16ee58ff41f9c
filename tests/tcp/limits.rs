//! Limits of this machine that a client meets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::geteuid;

use crate::harness::{TcpClient, With, installed, reply_with, run};

#[test]
fn a_client_that_gets_no_thread_names_the_limit() {
    let user = "--reuid 54322 --regid 54322 --clear-groups prlimit --nproc=1:";
    let Some(limited) = installed("setpriv", user) else {
        return;
    };
    if !geteuid().is_root() {
        return eprintln!("skipped: only root can be another user");
    }
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("tcp-client");
    fs::copy(TcpClient.path(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = reply_with(b"hola").to_string();
    let end = run(limited.with([copy.as_os_str()]).with([server]));
    end.assert_error(8, &["cannot start", "local limit", "ulimit -u", "pids"]);
}

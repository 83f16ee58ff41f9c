//! Files of metrics that cannot be written: an error at the start, a warning later.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;

use crate::harness::{ALL, Running, Server, TcpClient, TcpServer, With, behind, eventually, run};

use super::metrics::Place;

#[test]
fn a_path_that_no_file_can_have_is_found_at_the_start() {
    let place = Place::new("file");
    fs::write(&place.path, "").unwrap();
    let in_a_file = place.path.join("metrics.prom");
    let directory = place.directory.path();
    for program in ALL {
        for (path, code) in [
            (Path::new("/nowhere/at/all.prom"), 2),
            (&in_a_file, 2),
            (directory, 2),
            (Path::new("/dev/null"), 2),
            (Path::new("/sys/metrics.prom"), 8),
        ] {
            let command = program.command("--json --openmetrics").with([path]);
            let end = run(command);
            end.assert_error(code, &["metrics", path.to_str().unwrap()]);
            assert_eq!(end.events().len(), 1, "{end:?}");
        }
        let explained = program
            .command("--explain --openmetrics")
            .with([&place.path]);
        run(explained).assert_error(2, &["--explain", "--openmetrics"]);
    }
    let device = fs::metadata("/dev/null").unwrap();
    assert!(device.file_type().is_char_device());
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

#[test]
fn a_later_failure_is_a_warning_and_ends_no_measurement() {
    let place = Place::new("metrics.prom");
    let server = Server::start(TcpServer, "");
    let endless = TcpClient.to(server.address, "-i 1ms --report 20ms --json");
    let client = Running::start(place.add_to(endless));
    eventually("the file is there", || place.path.exists());
    let gone = place.directory.path().with_extension("gone");
    fs::rename(place.directory.path(), &gone).unwrap();
    let warning = client.error_line();
    let expected = "warning: cannot write metrics to '";
    assert!(warning.contains(expected), "{warning}");
    client.interrupt().assert_code(0);
    fs::rename(gone, place.directory.path()).unwrap();
}

#[test]
fn the_file_has_the_usual_mode_and_takes_the_place_of_what_a_link_leads_to() {
    let place = Place::new("real.prom");
    fs::write(&place.path, "old").unwrap();
    let link = place.directory.path().join("link.prom");
    symlink(&place.path, &link).unwrap();
    let server = Server::start(TcpServer, "");
    let client = behind("umask 022", TcpClient.path()).with([server.address.to_string()]);
    run(client.with("-q --openmetrics").with([&link])).assert_clean();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(place.value("tcp_client_exit", "kind=\"ok\""), 1.0);
    let mode = fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

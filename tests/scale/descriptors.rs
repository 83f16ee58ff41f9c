//! No descriptor left: whoever is there is served, whoever comes waits.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::harness::compat::{load_while_silent, serve, tcp_server};
use crate::harness::figures::Figures;
use crate::harness::peers::{assert_echoes, connect};

/// A server that may open 64 files.
fn poor_server() -> Command {
    let rich = tcp_server();
    let mut poor = Command::new("sh");
    poor.args(["-c", r#"ulimit -n 64; exec "$0" "$@""#])
        .arg(rich.get_program());
    for (name, _) in rich.get_envs() {
        poor.env_remove(name);
    }
    poor
}

#[test]
fn a_server_without_descriptors_serves_whom_it_has_and_recovers() {
    let arguments = ["--max-clients", "1000", "--max-threads", "2"];
    let (server, address) = serve(poor_server(), &arguments);
    // The second thread comes with the second client, and takes two.
    let served = 64 - 2 - Figures::of(&server).descriptors;
    let mut clients: Vec<TcpStream> = (0..200).map(|_| connect(address)).collect();
    let warning = server.error_line();
    assert!(warning.contains("too many open files"), "{warning}");
    assert!(warning.contains("wait in the backlog"), "{warning}");
    for client in &mut clients[..served] {
        assert_echoes(client, b"served");
    }
    let load = load_while_silent(&server, Duration::from_secs(2));
    println!(
        "{served} of 200 served; it takes {:.1} % of a processor",
        load * 100.0
    );
    assert!(load <= 0.05, "{load} of a processor");
    for mut client in clients.drain(..) {
        assert_echoes(&mut client, b"served, too");
    }
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "", "one warning is enough");
}

#[test]
fn many_threads_leave_most_descriptors_to_clients() {
    let (server, address) = serve(poor_server(), &["--max-threads", "64"]);
    let _clients: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    let warning = server.error_line();
    assert!(warning.contains("all 32 places"), "{warning}");
}

#[test]
fn by_default_a_server_takes_no_more_clients_than_it_has_descriptors_for() {
    let (server, address) = serve(poor_server(), &["--max-threads", "4"]);
    let mut clients: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    let warning = server.error_line();
    assert!(warning.contains("all 40 places"), "{warning}");
    for mut client in clients.drain(..) {
        assert_echoes(&mut client, b"served");
    }
    server.interrupt().assert_code(0);
}

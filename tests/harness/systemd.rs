//! A machine of its own under a real systemd: a container with this machine's /usr, and all else empty.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::process::{Finished, run};
use super::program::{ALL, With, installed};

/// The target of the boot: it runs the script, and then the machine is turned off.
const CHECK: &str = "\
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh -eu /check/script
StandardOutput=file:/check/stdout
StandardError=file:/check/stderr
";

/// The last line of a script.
const DONE: &str = "done\n";

/// The standard output of a shell script that runs on a machine which has the four programs in
/// /usr/bin and the units of the servers, and no network but loopback. `None`, said on standard error,
/// where no such machine can be booted.
#[track_caller]
pub(crate) fn on_machine_with_systemd(script: &str) -> Option<String> {
    if !can_boot() {
        eprintln!("skipped: systemd-nspawn boots no container here");
        return None;
    }
    let machine = Machine::new(script);
    let end = run(machine.boot()?);
    let output = machine.output();
    let output = output.strip_suffix(DONE);
    Some(output.unwrap_or_else(|| machine.fail(&end)).to_owned())
}

/// Whether a machine comes up at all, which takes root, cgroups and overlays.
fn can_boot() -> bool {
    static CAN_BOOT: OnceLock<bool> = OnceLock::new();
    *CAN_BOOT.get_or_init(|| {
        let machine = Machine::new("");
        let boot = Uid::effective().is_root().then(|| machine.boot()).flatten();
        boot.is_some_and(|boot| {
            run(boot);
            machine.output() == DONE
        })
    })
}

/// Files bound into the container.
struct Machine {
    directory: TempDir,
}

impl Machine {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["check", "bin", "units"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        let machine = Self { directory };
        machine.write("check/script", &format!("{script}\nprintf '{DONE}'\n"));
        machine.write("check/stdout", "");
        machine.write("check/stderr", "");
        machine.write("units/check.service", CHECK);
        for program in ALL {
            let place = machine.path(&format!("bin/{}", program.name()));
            fs::copy(program.path(), place).expect("a copy");
        }
        for (server, kind) in UNITS {
            let unit = fs::read_to_string(unit_file(server, kind)).expect("a unit");
            machine.write(&format!("units/{server}.{kind}"), &unit);
        }
        machine
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("room for it");
    }

    fn boot(&self) -> Option<Command> {
        let container = installed(
            "systemd-nspawn",
            "--quiet --directory=/ --volatile=yes --boot --register=no --keep-unit \
             --private-network --console=pipe",
        )?;
        let name = self.directory.path().file_name().expect("a name");
        let name = name.to_string_lossy().replace('.', "");
        let mut container = container.with([
            format!("--machine=check-{name}"),
            format!("--overlay-ro=/usr/bin:{}:/usr/bin", self.path("bin")),
            format!("--bind={}:/check", self.path("check")),
        ]);
        for unit in fs::read_dir(self.path("units")).expect("units") {
            let unit = unit.expect("a unit").path();
            let name = unit.file_name().expect("a name").display();
            let bind = format!("--bind-ro={}:/etc/systemd/system/{name}", unit.display());
            container = container.with([bind]);
        }
        // Neither waits for somebody to type nor for a network.
        Some(container.with(
            "systemd.unit=check.service systemd.firstboot=off \
             systemd.mask=systemd-networkd-wait-online.service",
        ))
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("check/stdout")).expect("a file")
    }

    #[track_caller]
    fn fail(&self, end: &Finished) -> ! {
        let errors = fs::read_to_string(self.path("check/stderr")).expect("a file");
        panic!("{}\n{errors}\n{end:?}", self.output());
    }
}

const UNITS: [(&str, &str); 4] = [
    ("tcp-server", "service"),
    ("tcp-server", "socket"),
    ("udp-server", "service"),
    ("udp-server", "socket"),
];

/// The source of a unit.
pub(crate) fn unit_file(server: &str, kind: &str) -> impl AsRef<Path> {
    format!(
        "{}/../crates/{server}/systemd/{kind}",
        env!("CARGO_MANIFEST_DIR")
    )
}

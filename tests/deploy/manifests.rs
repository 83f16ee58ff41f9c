//! The container image and the manifests of Kubernetes, as far as they can be tried without either:
//! every command in them is run.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{ALL, Program, in_own_machine, python, run, run_with};

use super::{deployed, text_of};

/// The documents of kubernetes.yaml; `None`, said on standard error, where nothing reads YAML.
fn manifests() -> Option<Vec<Value>> {
    let read = "import sys, json\ntry:\n import yaml\nexcept ImportError:\n sys.exit(9)\n\
                json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let end = run_with(python(read)?, text_of("kubernetes.yaml"));
    if end.code == Some(9) {
        eprintln!("skipped: no module yaml of Python here");
        return None;
    }
    Some(serde_json::from_slice(&end.assert_clean().stdout).unwrap())
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> &'a Value {
    let mut found = manifests.iter().filter(|manifest| manifest["kind"] == kind);
    let manifest = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    manifest
}

fn words(list: &Value) -> Vec<&str> {
    let words = list
        .as_array()
        .unwrap_or_else(|| panic!("no command in {list}"));
    words.iter().map(|word| word.as_str().unwrap()).collect()
}

fn program(name: &str) -> Program {
    let mut programs = ALL.into_iter().filter(|program| program.name() == name);
    programs
        .next()
        .unwrap_or_else(|| panic!("no program {name}"))
}

/// A command is one of ours whose options its parser takes.
fn assert_takes(command: &[&str]) {
    let [path, arguments @ ..] = command else {
        panic!("an empty command");
    };
    let program = program(path.strip_prefix('/').unwrap_or(path));
    let mut asked = arguments.to_vec();
    asked.push("--help");
    run(program.command(asked.as_slice())).assert_clean();
}

/// Commands of an image or a container as they would run, with the programs of this build.
fn shell_line(command: &[&str]) -> String {
    let variable = command[0].trim_start_matches('/').replace('-', "_");
    format!("\"${variable}\" {}", command[1..].join(" "))
}

/// A server serves while the other commands succeed, the first of them as soon as it can.
fn assert_runs(server: &[&str], probe: &[&str], others: &[String]) {
    let (server, probe) = (shell_line(server), shell_line(probe));
    let script = format!(
        "exec 2> $d/err\n{server} &\nserver=$!\nuntil {probe} 2> $d/probe; do kill -0 $server; done\n\
         : > $d/err\n{}\nkill $server\nwait $server",
        others.join("\n")
    );
    let Some(machine) = in_own_machine(&script) else {
        return;
    };
    run(machine).assert_clean();
}

/// The rest of a Containerfile's line behind a word, in the first image.
fn instruction(word: &str) -> String {
    let file = text_of("Containerfile");
    let image = file.split("\nFROM ").nth(1).unwrap();
    let line = image.lines().find(|line| line.starts_with(word));
    let line = line.unwrap_or_else(|| panic!("no {word}"));
    line[word.len()..].trim().to_owned()
}

#[test]
fn the_image_has_nothing_but_the_programs_and_its_health_check_passes() {
    let file = text_of("Containerfile");
    let first = file.lines().find(|line| line.starts_with("FROM"));
    assert_eq!(first, Some("FROM scratch AS servers"));
    assert_eq!(instruction("USER"), "65534:65534");
    assert_eq!(
        instruction("COPY"),
        "tcp-server tcp-client udp-server udp-client LICENSE /"
    );
    let list = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (entry, arguments) = (list(&instruction("ENTRYPOINT")), list(&instruction("CMD")));
    let server = [words(&entry), words(&arguments)].concat();
    let health = instruction("HEALTHCHECK");
    let probe = list(health.split_once("CMD ").unwrap().1);
    assert_takes(&server);
    assert_takes(&words(&probe));
    assert_runs(&server, &words(&probe), &[]);
}

/// Files that scripts/package.sh puts beside the Containerfile are all that it copies.
#[test]
fn the_archive_of_static_programs_has_what_the_images_copy() {
    let root = deployed("../..");
    let script = fs::read_to_string(root.join("scripts/package.sh")).unwrap();
    let file = text_of("Containerfile");
    let copies = file.lines().filter_map(|line| line.strip_prefix("COPY "));
    let sources = copies.flat_map(|line| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.pop();
        words
    });
    let mut copied = 0;
    for source in sources {
        let is_program = ALL.iter().any(|program| program.name() == source);
        let is_installed = script.contains(&format!("docs/deploy/{source} "))
            || script.contains(&format!("install -m 644 {source} "));
        assert!(is_program || is_installed, "{source}");
        copied += 1;
    }
    assert!(copied >= 8, "{copied}");
}

#[test]
fn the_manifests_belong_together() {
    let Some(manifests) = manifests() else {
        return;
    };
    let (service, servers, checks) = (
        of_kind(&manifests, "Service"),
        of_kind(&manifests, "DaemonSet"),
        of_kind(&manifests, "CronJob"),
    );
    for (manifest, version) in [(service, "v1"), (servers, "apps/v1"), (checks, "batch/v1")] {
        assert_eq!(manifest["apiVersion"], version);
        assert!(manifest["metadata"]["name"].is_string());
    }
    assert_eq!(service["spec"]["clusterIP"], "None");
    let labels = &servers["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(&servers["spec"]["selector"]["matchLabels"], labels);
    let schedule = checks["spec"]["schedule"].as_str().unwrap();
    assert_eq!(schedule.split(' ').count(), 5);
    let check = &checks["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(check["restartPolicy"], "Never");
    for pod in [&servers["spec"]["template"]["spec"], check] {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        for container in pod["containers"].as_array().unwrap() {
            let nothing = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            });
            assert_eq!(container["securityContext"], nothing);
            assert!(container["image"].is_string() && container["resources"]["limits"].is_object());
        }
    }
}

#[test]
fn the_commands_of_every_container_run() {
    let Some(manifests) = manifests() else {
        return;
    };
    let servers =
        of_kind(&manifests, "DaemonSet")["spec"]["template"]["spec"]["containers"].clone();
    let checks = &of_kind(&manifests, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    for (server, check) in servers
        .as_array()
        .unwrap()
        .iter()
        .zip(checks["containers"].as_array().unwrap())
    {
        let probe = words(&server["readinessProbe"]["exec"]["command"]);
        let mut commands = vec![words(&server["lifecycle"]["preStop"]["exec"]["command"])];
        if server["livenessProbe"].is_object() {
            assert_eq!(server["startupProbe"]["tcpSocket"]["port"], "tcp");
            commands.push(words(&server["livenessProbe"]["exec"]["command"]));
        }
        commands.push(probe.clone());
        commands.iter().for_each(|command| assert_takes(command));
        let mut lines: Vec<String> = commands.iter().map(|command| shell_line(command)).collect();
        lines.push(check_line(&words(&check["args"])));
        assert_runs(&words(&server["command"]), &probe, &lines);
    }
}

/// The check of a name with two addresses.
fn check_line(arguments: &[&str]) -> String {
    let [name, port, client, options @ ..] = arguments else {
        panic!("what to check is missing in {arguments:?}");
    };
    let script: PathBuf = deployed("check-every-address");
    format!(
        "printf '127.0.0.1 {name}\\n127.0.0.2 {name}\\n' > $d/hosts\nmount --bind $d/hosts /etc/hosts\n\
         test \"$('{}' {name} {port} \"${}\" {})\" = \"$(printf 'ok 127.0.0.1\\nok 127.0.0.2')\"",
        script.display(),
        client.replace('-', "_"),
        options.join(" ")
    )
}

#[test]
fn a_check_of_every_address_names_the_one_that_fails() {
    let script = deployed("check-every-address");
    let script = format!(
        "printf '127.0.0.1 both\\n127.0.0.2 both\\n' > $d/hosts\nmount --bind $d/hosts /etc/hosts\n\
         \"$tcp_server\" -q 127.0.0.2:1234 &\n\
         until \"$tcp_client\" -q 127.0.0.2:1234 2> $d/probe; do kill -0 $!; done\n\
         code=0; '{0}' both 1234 \"$tcp_client\" -q -e || code=$?\n\
         echo \"code $code\"\n\
         code=0; '{0}' none.invalid 1234 \"$tcp_client\" || code=$?\n\
         echo \"code $code\"",
        script.display()
    );
    let Some(machine) = in_own_machine(&script) else {
        return;
    };
    let end = run(machine);
    let said = "failed 127.0.0.1 (code 4)\nok 127.0.0.2\ncode 4\ncode 3\n";
    assert_eq!(end.assert_code(0).text(), said, "{}", end.stderr);
}

#[test]
fn kubernetes_schemas_accept_the_manifests() {
    let validate = "import sys\ntry:\n import yaml, kubernetes_validate\nexcept ImportError:\n sys.exit(9)\n\
                    for manifest in yaml.safe_load_all(sys.stdin):\n \
                    kubernetes_validate.validate(manifest, '1.34', strict=True)";
    let Some(python) = python(validate) else {
        return;
    };
    let end = run_with(python, text_of("kubernetes.yaml"));
    if end.code == Some(9) {
        return eprintln!("skipped: no module kubernetes_validate of Python here");
    }
    end.assert_code(0);
}

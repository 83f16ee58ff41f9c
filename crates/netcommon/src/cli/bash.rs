//! Completions for bash: clap's know neither hosts nor interfaces, and offer files in place of HOST.

use clap::{Arg, Command, ValueHint};

/// The identifier of the option whose value is a network interface, for which clap has no hint.
const INTERFACE: &str = "interface";

/// Words are parted at `=` and `:`, too (`COMP_WORDBREAKS`, bash(1)).
const SCRIPT: &str = r#"_FUNCTION() {
    local cur=$2 option=$3 positionals=0 i
    if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        cur="" option=$3=
    elif [[ $3 == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}=
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            VALUED) [[ ${COMP_WORDS[i + 1]} == = ]] || ((i++)) ;;
            [=:]) ((i++)) ;;
            -*) ;;
            *) ((positionals++)) ;;
        esac
    done
    COMPREPLY=()
    case $option inCASES
        TYPED) ;;
        *)
            if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "OPTIONS" -- "$cur")
            elif ((positionals > 0)); then
                return
            elif declare -F _known_hosts_real > /dev/null; then
                _known_hosts_real -- "$cur"
            else
                mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
            fi
            ;;
    esac
}
complete -o nosort -F _FUNCTION NAME
"#;

const FILES: &str = r#"compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")"#;

const INTERFACES: &str =
    r#"mapfile -t COMPREPLY < <(cd /sys/class/net 2> /dev/null && compgen -f -- "$cur")"#;

/// The script for a command that is built.
pub(super) fn script(command: &Command, name: &str) -> String {
    let options: Vec<&Arg> = command.get_opts().collect();
    let taken: Vec<String> = options
        .iter()
        .filter(|option| !option.is_require_equals_set())
        .flat_map(|option| spellings(option))
        .collect();
    let cases: String = options.iter().filter_map(|option| case(option)).collect();
    let typed: Vec<String> = options
        .iter()
        .filter(|option| offer(option).is_none())
        .flat_map(|option| patterns(option))
        .collect();
    let all: Vec<String> = command.get_arguments().flat_map(spellings).collect();
    SCRIPT
        .replace("FUNCTION", &name.replace('-', "_"))
        .replace("NAME", name)
        .replace("VALUED", &taken.join(" | "))
        .replace("CASES", &cases)
        .replace("TYPED", &typed.join(" | "))
        .replace("OPTIONS", &all.join(" "))
}

/// `-m` and `--message`.
fn spellings(arg: &Arg) -> Vec<String> {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    short.into_iter().chain(long).collect()
}

/// Spellings in front of a value: `-m`, `--message` and `--message=`.
fn patterns(option: &Arg) -> Vec<String> {
    let attached = option.get_long().map(|long| format!("--{long}="));
    let apart = (!option.is_require_equals_set()).then(|| spellings(option));
    apart.into_iter().flatten().chain(attached).collect()
}

fn case(option: &Arg) -> Option<String> {
    let patterns = patterns(option).join(" | ");
    let offer = offer(option)?;
    Some(format!(
        "\n        {patterns})\n            {offer}\n            ;;"
    ))
}

/// The command that offers values; none for what is typed.
fn offer(option: &Arg) -> Option<String> {
    let values = option.get_possible_values();
    let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
    if !names.is_empty() {
        let names = names.join(" ");
        return Some(format!(
            r#"mapfile -t COMPREPLY < <(compgen -W "{names}" -- "$cur")"#
        ));
    }
    match option.get_value_hint() {
        _ if option.get_id() == INTERFACE => Some(INTERFACES.to_owned()),
        ValueHint::Other => None,
        _ => Some(FILES.to_owned()),
    }
}

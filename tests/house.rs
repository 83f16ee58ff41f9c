//! How the house is built: the modules of a crate import downwards only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

/// Source by module: `crate` is the root, `crate::a::b` a module in `crate::a`.
type Sources = BTreeMap<String, String>;

/// What each module imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_two_modules_of_a_crate_import_each_other() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let place = entry.unwrap().path();
        let mut sources = Sources::new();
        read(&place.join("src"), "crate", &mut sources);
        assert!(sources.contains_key("crate"), "no crate in {place:?}");
        let name = place.file_name().unwrap().display();
        found.extend(
            circles(&sources)
                .iter()
                .map(|circle| format!("{name}: {circle}")),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let assert_found = |modules: &str, expected: &[&str]| {
        let modules = modules.lines().map(|line| line.trim().split_once(": "));
        let owned = modules.map(|module| module.map(|(name, code)| (name.into(), code.into())));
        assert_eq!(circles(&owned.collect::<Option<_>>().unwrap()), expected);
    };
    assert_found(
        "crate::a: use crate::b::B;
         crate::b: use crate::{c::{C, D}, a::{self, A}};
         crate::c: use std::io;",
        &["crate::a → crate::b → crate::a"],
    );
    // Through a name that the root hands on, an expression and a third module.
    assert_found(
        "crate: pub use c::{C, D};
         crate::a: use super::b;
         crate::b: fn f() { crate::D::g() }
         crate::c: use crate::a;",
        &["crate::a → crate::b → crate::c → crate::a"],
    );
    // Between a module and the child of another, and between two children.
    assert_found(
        "crate::a: use self::c::C;
         crate::a::c: use super::d::D; use crate::b;
         crate::a::d: use super::c::C;
         crate::b: use crate::a::A;",
        &[
            "crate::a → crate::b → crate::a",
            "crate::a::c → crate::a::d → crate::a::c",
        ],
    );
    // A child may know its parent; comments and tests may tell of any module.
    assert_found(
        "crate::a: use b::B; use crate::c;
         crate::a::b: use super::A;
         crate::c: /// [`crate::a`]
         crate::d: use crate::c; #[cfg(test)] use crate::e;
         crate::e: use crate::d;",
        &[],
    );
}

fn read(folder: &Path, parent: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let module = match path.file_stem().unwrap().to_str().unwrap() {
            "lib" | "mod" => parent.to_owned(),
            "main" | "tests" => continue,
            name => format!("{parent}::{name}"),
        };
        if path.is_dir() {
            read(&path, &module, sources);
        } else {
            sources.insert(module, fs::read_to_string(path).unwrap());
        }
    }
}

fn circles(sources: &Sources) -> Vec<String> {
    let imports = imports(sources);
    let circles = imports.keys().filter_map(|module| circle(module, &imports));
    circles.map(|circle| circle.join(" → ")).collect()
}

/// The shortest way from a module back to itself; told once, by the first module in the alphabet.
fn circle<'a>(start: &'a String, imports: &'a Imports) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start.as_str()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(*way.last()?).into_iter().flatten() {
            let way = [way.as_slice(), &[next]].concat();
            if next == start {
                return (way.iter().min() == way.first()).then_some(way);
            }
            if seen.insert(next) {
                ways.push_back(way);
            }
        }
    }
    None
}

/// A module and its children are one to the others: an import counts where the two paths part.
fn imports(sources: &Sources) -> Imports {
    let mut imports = Imports::new();
    for (module, source) in sources {
        for path in paths(&code(source), &["crate::", "super::", "self::"]) {
            let target = resolve(module, &path, sources);
            let [from, to] = [module, &target].map(|path| path.split("::").collect::<Vec<_>>());
            if let Some(common) = from.iter().zip(&to).position(|(one, other)| one != other) {
                let branches = imports.entry(from[..=common].join("::")).or_default();
                branches.insert(to[..=common].join("::"));
            }
        }
    }
    imports
}

/// Without comments and tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that begins with one of `starts`.
fn paths(code: &str, starts: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for start in starts {
        for (place, _) in code.match_indices(start) {
            let before = code[..place].chars().next_back();
            if !before.is_some_and(|before| is_word(before) || before == ':') {
                expand("", &code[place..], &mut paths);
            }
        }
    }
    paths
}

/// The paths of a tree such as `a::{b, c::D}`, which may have more code behind it.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim_start();
    if let Some(branches) = tree.strip_prefix('{') {
        let branches = branches_of(branches);
        return branches
            .iter()
            .for_each(|branch| expand(prefix, branch, paths));
    }
    let end = tree.find(|letter| !is_word(letter)).unwrap_or(tree.len());
    let path = format!("{prefix}{}", &tree[..end]);
    match tree[end..].strip_prefix("::") {
        Some(rest) => expand(&(path + "::"), rest, paths),
        None => paths.push(path),
    }
}

/// What commas part, up to the brace that closes.
fn branches_of(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (place, letter) in tree.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                branches.push(&tree[start..place]);
                start = place + 1;
            }
            _ => {}
        }
        if letter == '}' && start > place {
            break;
        }
    }
    branches
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The module that a path leads to, through names that modules hand on with `pub use`.
fn resolve(from: &str, path: &str, sources: &Sources) -> String {
    let mut module = from.to_owned();
    for name in path.split("::") {
        let child = format!("{module}::{name}");
        match name {
            "crate" => module = "crate".to_owned(),
            "super" => module.truncate(module.rfind("::").unwrap_or_default()),
            "self" => {}
            _ if sources.contains_key(&child) => module = child,
            _ => {
                let path = handed_on(&module, name, sources);
                return path.map_or(module.clone(), |path| resolve(&module, &path, sources));
            }
        }
    }
    module
}

/// The path behind a name that the module hands on.
fn handed_on(module: &str, name: &str, sources: &Sources) -> Option<String> {
    let code = code(sources.get(module)?);
    let statements = code.split(';').map(str::trim);
    let mut paths = Vec::new();
    for statement in statements.filter(|statement| statement.starts_with("pub")) {
        if let Some((_, tree)) = statement.split_once(" use ") {
            expand("", tree, &mut paths);
        }
    }
    let end = format!("::{name}");
    paths.into_iter().find(|path| path.ends_with(&end))
}

//! What `cargo metadata` tells of an application: its packages, and who depends on whom.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    version: String,
    /// None for one at a path.
    source: Option<String>,
    manifest_path: PathBuf,
    /// The native library it stands for.
    pub(super) links: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// None for a normal one.
    kind: Option<String>,
}

impl Metadata {
    pub(super) fn parse(json: &[u8], source: &Path) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|reason| Error::Source {
            path: source.join("Cargo.toml"),
            problem: format!("`cargo metadata` is not understood: {reason}"),
        })
    }

    /// The name of the library in `source`, as its file has it.
    pub(super) fn library(&self, source: &Path) -> Result<String, Error> {
        let path = source.join("Cargo.toml");
        let package = self
            .packages
            .iter()
            .find(|package| package.manifest_path == path);
        let library = package.and_then(|package| {
            let is_library =
                |target: &&Target| target.kind.iter().any(|kind| kind.ends_with("lib"));
            package.targets.iter().find(is_library)
        });
        let problem = "has no library: an application is a package with src/lib.rs".to_owned();
        library
            .map(|target| target.name.replace('-', "_"))
            .ok_or(Error::Source { path, problem })
    }

    /// The folders of packages at a path, each with what stands for it in a component.
    pub(super) fn path_packages(&self) -> Vec<(PathBuf, String)> {
        let packages = self
            .packages
            .iter()
            .filter(|package| package.source.is_none());
        packages
            .filter_map(|package| {
                let folder = package.manifest_path.parent()?.to_owned();
                Some((folder, format!("/{}", package.name)))
            })
            .collect()
    }

    /// The packages that are compiled into the guest and depend on one of `names`, which are not
    /// among them, themselves.
    pub(super) fn dependents(&self, names: &[&str]) -> Vec<&Package> {
        let named = |id: &str| {
            self.package(id)
                .is_some_and(|it| names.contains(&&*it.name))
        };
        let reached = self.reached();
        let nodes = self
            .resolve
            .nodes
            .iter()
            .filter(|node| reached.contains(&*node.id));
        let depends = |node: &&Node| !named(&node.id) && node.normal().any(named);
        nodes
            .filter(depends)
            .filter_map(|node| self.package(&node.id))
            .collect()
    }

    /// The packages that are compiled into the guest and stand for a native library.
    pub(super) fn native(&self) -> Vec<&Package> {
        let reached = self.reached();
        let compiled = self
            .packages
            .iter()
            .filter(|package| reached.contains(&*package.id));
        compiled.filter(|package| package.links.is_some()).collect()
    }

    fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// What packages at a path reach by normal dependencies. The application is one; a package that
    /// it uses for tests alone may be another, which only makes a hint less exact.
    fn reached(&self) -> BTreeSet<&str> {
        let roots = self
            .packages
            .iter()
            .filter(|package| package.source.is_none());
        let mut open: Vec<&str> = roots.map(|package| &*package.id).collect();
        let mut reached = BTreeSet::new();
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                let node = self.resolve.nodes.iter().find(|node| node.id == id);
                open.extend(node.into_iter().flat_map(Node::normal));
            }
        }
        reached
    }
}

impl Package {
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

impl Node {
    fn normal(&self) -> impl Iterator<Item = &str> {
        let normal = |it: &&Dependency| it.dep_kinds.iter().any(|kind| kind.kind.is_none());
        self.deps
            .iter()
            .filter(normal)
            .map(|dependency| &*dependency.pkg)
    }
}

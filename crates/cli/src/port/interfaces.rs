//! The interfaces of a component beside those that are served.

use std::collections::BTreeMap;

use wit_component::DecodedWasm;
use wit_parser::{Function, Resolve, WorldId, WorldItem};

/// What an application exports.
const HANDLER: &str = "edge:sdk/handler";

/// The interfaces of one side of a world by their names without a version.
type Side = BTreeMap<String, Vec<Interface>>;

/// An interface in one version.
pub struct Interface {
    /// As `0.1.0`; empty where it has none.
    version: String,
    /// The versions that may stand for each other have this in common.
    compatible: String,
    /// As `store.get`.
    pub functions: Vec<String>,
}

/// What a component imports and exports, or what an application may.
pub struct World {
    pub imports: Side,
    pub exports: Side,
}

/// One line on an interface of a component.
pub struct Finding {
    pub is_missing: bool,
    /// As `import edge:sdk/kv@0.1.0; 0.1.0 is served`.
    pub text: String,
}

impl World {
    /// What applications are served.
    pub fn served() -> Self {
        let (resolve, world) = edgewit_conformance::world();
        Self::of(resolve, world)
    }

    /// Errors: the component's types can't be written in WIT.
    pub fn of_component(bytes: &[u8]) -> Result<Self, String> {
        match wit_component::decode(bytes) {
            Ok(DecodedWasm::Component(resolve, world)) => Ok(Self::of(&resolve, world)),
            Ok(DecodedWasm::WitPackage(..)) => {
                Err("a WIT package, which holds no program".to_owned())
            }
            Err(error) => Err(format!("{error:#}").replace('\n', "; ")),
        }
    }

    fn of(resolve: &Resolve, world: WorldId) -> Self {
        let world = &resolve.worlds[world];
        Self {
            imports: side(resolve, world.imports.iter()),
            exports: side(resolve, world.exports.iter()),
        }
    }

    /// What of this, a component's, is served, and what is not.
    pub fn against(&self, served: &World) -> Vec<Finding> {
        let mut findings = vec![self.handler(served)];
        for (name, versions) in &self.imports {
            findings.extend(versions.iter().map(|it| import(name, it, served)));
        }
        findings
    }

    fn handler(&self, served: &World) -> Finding {
        let due = served.exports.get(HANDLER).and_then(|all| all.first());
        let found = self.exports.get(HANDLER).and_then(|all| all.first());
        let (Some(due), Some(found)) = (due, found) else {
            let exports: Vec<String> = named(&self.exports);
            let exports = match &exports[..] {
                [] => "nothing".to_owned(),
                all => all.join(", "),
            };
            return Finding::missing(format!(
                "export {HANDLER}: the component exports {exports}, and is of another world than edge:sdk/app"
            ));
        };
        found.beside(due, "export", HANDLER, &|found, due| {
            let lacks = without(due, found);
            (!lacks.is_empty()).then(|| format!("and has {lacks}, which it lacks"))
        })
    }
}

/// What of a component's is not served, a line each; nothing where its types can't be read.
pub fn lacks(bytes: &[u8]) -> Vec<String> {
    let found = World::of_component(bytes).map(|found| found.against(&World::served()));
    let missing = found.into_iter().flatten().filter(|it| it.is_missing);
    missing.map(|finding| finding.text).collect()
}

fn import(name: &str, found: &Interface, served: &World) -> Finding {
    if name.starts_with("wasi:") {
        return Finding::found(format!(
            "import {}: of WASI clocks, randomness and printing work, and the rest refuses",
            found.name(name)
        ));
    }
    match served.imports.get(name).and_then(|all| all.first()) {
        Some(due) => found.beside(due, "import", name, &|found, due| {
            let lacks = without(found, due);
            (!lacks.is_empty()).then(|| format!("without {lacks}"))
        }),
        None => {
            let known = named(&served.imports).join(", ");
            let name = found.name(name);
            Finding::missing(format!("import {name}: it is not served; {known} are"))
        }
    }
}

impl Interface {
    fn name(&self, name: &str) -> String {
        match &*self.version {
            "" => name.to_owned(),
            version => format!("{name}@{version}"),
        }
    }

    /// Beside the one that is served, whose versions are looked at before what `differs` says.
    fn beside(
        &self,
        served: &Self,
        side: &str,
        name: &str,
        differs: &dyn Fn(&Self, &Self) -> Option<String>,
    ) -> Finding {
        let text = format!("{side} {}; {} is served", self.name(name), served.version);
        if self.compatible != served.compatible {
            return Finding::missing(format!(
                "{text}, which can't stand for it: build against the wit/edge.wit of `edgewit port new`"
            ));
        }
        match differs(self, served) {
            Some(difference) => Finding::missing(format!("{text}, {difference}")),
            None => Finding::found(text),
        }
    }
}

impl Finding {
    fn found(text: String) -> Self {
        Self {
            is_missing: false,
            text,
        }
    }

    fn missing(text: String) -> Self {
        Self {
            is_missing: true,
            text,
        }
    }
}

/// The functions of one that another has not.
fn without(one: &Interface, other: &Interface) -> String {
    let lacking = one
        .functions
        .iter()
        .filter(|it| !other.functions.contains(it));
    lacking.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn named(side: &Side) -> Vec<String> {
    let all = side
        .iter()
        .flat_map(|(name, versions)| versions.iter().map(move |it| it.name(name)));
    all.collect()
}

fn side<'a>(
    resolve: &Resolve,
    items: impl Iterator<Item = (&'a wit_parser::WorldKey, &'a WorldItem)>,
) -> Side {
    let mut side = Side::new();
    for (key, item) in items {
        let whole = resolve.name_world_key(key);
        let (name, version) = whole.split_once('@').unwrap_or((&whole, ""));
        let functions = match item {
            WorldItem::Interface { id, .. } => resolve.interfaces[*id]
                .functions
                .values()
                .map(plain)
                .collect(),
            WorldItem::Function(_) => Vec::new(),
            WorldItem::Type { .. } => continue,
        };
        side.entry(name.to_owned()).or_default().push(Interface {
            version: version.to_owned(),
            compatible: compatible(version),
            functions,
        });
    }
    side
}

/// `[method]store.get` is `store.get` in the words of a WIT file.
fn plain(function: &Function) -> String {
    let name = &function.name;
    name.split_once(']')
        .map_or(&**name, |(_, name)| name)
        .to_owned()
}

/// A version up to its first number that is not 0: what follows may differ.
fn compatible(version: &str) -> String {
    let numbers: Vec<&str> = version.split('.').collect();
    let first = numbers.iter().position(|it| *it != "0");
    numbers[..first.map_or(numbers.len(), |at| at + 1)].join(".")
}

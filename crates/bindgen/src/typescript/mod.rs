//! TypeScript: the types of what componentize-js gives and takes, and no code.
//!
//! An interface is a namespace, which holds its types, and one `Interface` with its functions. The world is `Imports`
//! and `Exports`.

mod functions;
mod layout;
mod names;
mod types;

use std::collections::HashMap;

use wit_bindgen_core::wit_parser::{
    Function, InterfaceId, Resolve, TypeId, TypeOwner, WorldId, WorldItem, WorldKey,
};

use crate::{Error, Files, Language, notice, unsupported};
use layout::docs;

const PREFACE: &str = "\
// A function whose WIT result is a `result` returns the ok value, and throws an object whose
// `payload` is the error.
";

/// One file.
pub fn generate(resolve: &Resolve, world: WorldId) -> Result<Files, Error> {
    let text = Generator::new(resolve, world)
        .and_then(|generator| generator.file())
        .map_err(|reason| unsupported(Language::TypeScript, &reason))?;
    let text = format!("// {}\n{PREFACE}{text}", notice(resolve, world));
    let path = Language::TypeScript.folder().join("edge.ts");
    Ok([(path, text.into_bytes())].into())
}

/// Text, or why there is none, with the WIT item.
type Fallible<T> = Result<T, String>;

struct Generator<'a> {
    resolve: &'a Resolve,
    world: WorldId,
    /// What every interface of the world is called.
    namespaces: HashMap<InterfaceId, String>,
}

/// What is declared side by side, by an interface or by the world itself.
struct Scope<'a> {
    /// As WIT has it, for errors.
    name: String,
    owner: TypeOwner,
    types: Vec<TypeId>,
    functions: Vec<&'a Function>,
    /// Whether the guest implements the functions; it may do so asynchronously.
    exported: bool,
}

impl Scope<'_> {
    /// Adds to `reason` which item of the scope it is about.
    fn blame(&self, item: &str) -> impl Fn(String) -> String {
        let item = format!("`{}#{item}`", self.name);
        move |reason| format!("{item}: {reason}")
    }
}

impl<'a> Generator<'a> {
    fn new(resolve: &'a Resolve, world: WorldId) -> Fallible<Self> {
        let items = &resolve.worlds[world];
        let mut namespaces = HashMap::new();
        let mut met = HashMap::new();
        for (key, item) in items.imports.iter().chain(&items.exports) {
            let WorldItem::Interface { id, .. } = item else {
                continue;
            };
            let wit = resolve.name_world_key(key);
            let name = names::namespace(match key {
                WorldKey::Name(name) => name,
                WorldKey::Interface(id) => resolve.interfaces[*id].name.as_deref().unwrap_or(&wit),
            });
            if namespaces.insert(*id, name.clone()).is_some() {
                return Err(format!("`{wit}`: it is both imported and exported"));
            }
            if let Some(other) = met.insert(name.clone(), wit.clone()) {
                return Err(format!("`{other}` and `{wit}`: both are `{name}`"));
            }
        }
        Ok(Self {
            resolve,
            world,
            namespaces,
        })
    }

    fn file(&self) -> Fallible<String> {
        let world = &self.resolve.worlds[self.world];
        let mut text = String::new();
        for (items, exported) in [(&world.imports, false), (&world.exports, true)] {
            for (key, item) in items {
                if let WorldItem::Interface { id, .. } = item {
                    text += &self.namespace(self.resolve.name_world_key(key), *id, exported)?;
                }
            }
        }
        let (imports, exports) = (self.world_scope(false), self.world_scope(true));
        for scope in [&imports, &exports] {
            for declaration in self.declarations(scope, "export ", 0)? {
                text += &format!("\n{declaration}");
            }
        }
        for (name, verb, scope) in [
            ("Imports", "imports", imports),
            ("Exports", "exports", exports),
        ] {
            text += &format!("\n/** What the world `{}` {verb}. */\n", world.name);
            text += &functions::interface(
                &format!("export interface {name}"),
                &(self.interfaces(&scope) + &self.members(&scope, 2)?),
                0,
            );
        }
        Ok(text)
    }

    fn namespace(&self, name: String, id: InterfaceId, exported: bool) -> Fallible<String> {
        let interface = &self.resolve.interfaces[id];
        let scope = Scope {
            name,
            owner: TypeOwner::Interface(id),
            types: interface.types.values().copied().collect(),
            functions: interface.functions.values().collect(),
            exported,
        };
        let mut parts = self.declarations(&scope, "", 2)?;
        parts.push(functions::interface(
            "interface Interface",
            &self.members(&scope, 4)?,
            2,
        ));
        Ok(format!(
            "\n{}export declare namespace {} {{\n{}}}\n",
            docs(interface.docs.contents.as_deref(), 0),
            self.namespaces[&id],
            parts.join("\n"),
        ))
    }

    /// What stands in the world itself.
    fn world_scope(&self, exported: bool) -> Scope<'a> {
        let world = &self.resolve.worlds[self.world];
        let items = if exported {
            &world.exports
        } else {
            &world.imports
        };
        Scope {
            name: world.name.clone(),
            owner: TypeOwner::World(self.world),
            types: items
                .values()
                .filter_map(|item| match item {
                    WorldItem::Type { id, .. } => Some(*id),
                    _ => None,
                })
                .collect(),
            functions: items
                .values()
                .filter_map(|item| match item {
                    WorldItem::Function(function) => Some(function),
                    _ => None,
                })
                .collect(),
            exported,
        }
    }

    /// The members of `Imports` or `Exports` that are interfaces.
    fn interfaces(&self, scope: &Scope) -> String {
        let world = &self.resolve.worlds[self.world];
        let items = if scope.exported {
            &world.exports
        } else {
            &world.imports
        };
        let members = items.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(&self.namespaces[id]),
            _ => None,
        });
        members
            .map(|name| format!("  {name}: {name}.Interface;\n"))
            .collect()
    }
}

//! The interface as data: the functions that a guest imports, and values of their types written in TOML.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use edgewit_host::Value;
use wit_parser::{Function, FunctionKind, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem};

use crate::words;

/// The WIT package that guests are written against.
pub const WIT: &str = include_str!("../../../wit/edge.wit");

/// The functions of the WIT by the names that traces give them: `kv.open`, `store.get`.
pub(crate) struct Wit {
    pub(crate) resolve: Resolve,
    world: WorldId,
    pub(crate) functions: BTreeMap<String, Function>,
}

/// The WIT that the host serves.
pub(crate) static EDGE: LazyLock<Wit> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("edge.wit", WIT).expect("a WIT package");
    let world = resolve.select_world(&[package], Some("app"));
    let world = world.expect("a world app");
    let imports = &resolve.worlds[world].imports;
    let mut functions = BTreeMap::new();
    for item in imports.values() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = &resolve.interfaces[*id];
        for function in interface.functions.values() {
            let name = match &function.kind {
                FunctionKind::Freestanding => {
                    let interface = interface.name.as_deref().unwrap_or_default();
                    format!("{interface}.{}", function.name)
                }
                _ => name_of_method(&function.name).to_owned(),
            };
            functions.insert(name, function.clone());
        }
    }
    Wit {
        resolve,
        world,
        functions,
    }
});

/// The package [`WIT`], read, and its world `app`.
pub fn world() -> (&'static Resolve, WorldId) {
    (&EDGE.resolve, EDGE.world)
}

/// `store.get` of `[method]store.get`.
pub(crate) fn name_of_method(function: &str) -> &str {
    function.rsplit_once(']').map_or(function, |(_, name)| name)
}

impl Wit {
    /// The result of a function, written in TOML: variants, options and results by the case's name, or as a table of
    /// that name and what the case carries; bytes as a word; numbers past what TOML holds as text.
    ///
    /// Errors: no such function, no result, another shape than the WIT gives.
    pub(crate) fn result(&self, function: &str, written: &toml::Value) -> Result<Value, String> {
        let found = self.functions.get(function);
        let found = found.ok_or_else(|| {
            let names: Vec<&str> = self.functions.keys().map(String::as_str).collect();
            format!("the call {function:?}; one of {} is due", names.join(", "))
        })?;
        match &found.result {
            Some(result) => self
                .value(result, written)
                .map_err(|error| format!("the result of {function}: {error}")),
            None => Err(format!("{function} has no result")),
        }
    }

    pub(crate) fn value(&self, of: &Type, written: &toml::Value) -> Result<Value, String> {
        let wrong = |due: &str| format!("{written}; {due} is due");
        let unsigned =
            || number::<u64>(written).ok_or_else(|| wrong("a number that is not negative"));
        let signed = || number::<i64>(written).ok_or_else(|| wrong("a number"));
        let text = || written.as_str().ok_or_else(|| wrong("a text"));
        Ok(match of {
            Type::Bool => Value::Bool(written.as_bool().ok_or_else(|| wrong("true or false"))?),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::Unsigned(unsigned()?),
            Type::S8 | Type::S16 | Type::S32 | Type::S64 => Value::Signed(signed()?),
            Type::String => Value::Text(text()?.to_owned()),
            Type::Id(id) => self.defined(*id, written)?,
            other => return Err(format!("{other:?} is not written in cases")),
        })
    }

    fn defined(&self, id: TypeId, written: &toml::Value) -> Result<Value, String> {
        let wrong = |due: &str| format!("{written}; {due} is due");
        let kind = &self.resolve.types[id].kind;
        if let Some(cases) = self.cases(kind) {
            let (case, carried) = case_of(written).ok_or_else(|| wrong("one case"))?;
            let found = cases.into_iter().find(|(name, _)| name == case);
            let Some((_, of)) = found else {
                return Err(wrong("a case of the WIT"));
            };
            let carried = match (of, carried) {
                (Some(of), Some(carried)) => Some(Box::new(self.value(&of, carried)?)),
                (None, None) => None,
                (Some(_), None) => return Err(wrong("what the case carries")),
                (None, Some(_)) => return Err(wrong("a case alone")),
            };
            return Ok(match (kind, case) {
                (TypeDefKind::Option(_), _) => Value::Option(carried),
                (TypeDefKind::Result(_), "ok") => Value::Result(Ok(carried)),
                (TypeDefKind::Result(_), _) => Value::Result(Err(carried)),
                (_, case) => Value::Case(Cow::Owned(case.to_owned()), carried),
            });
        }
        match kind {
            TypeDefKind::Type(of) => self.value(of, written),
            TypeDefKind::List(Type::U8) => {
                let word = written.as_str().ok_or_else(|| wrong("a word"))?;
                words::decode(word).map(Value::Bytes)
            }
            TypeDefKind::List(of) => {
                let items = written.as_array().ok_or_else(|| wrong("a list"))?;
                let items = items.iter().map(|item| self.value(of, item));
                items.collect::<Result<_, _>>().map(Value::List)
            }
            TypeDefKind::Tuple(tuple) => {
                let items = written.as_array();
                let items = items.filter(|items| items.len() == tuple.types.len());
                let items = items.ok_or_else(|| wrong("a list of as many"))?.iter();
                let items = items
                    .zip(&tuple.types)
                    .map(|(item, of)| self.value(of, item));
                items.collect::<Result<_, _>>().map(Value::Tuple)
            }
            TypeDefKind::Record(record) => {
                let table = written.as_table().ok_or_else(|| wrong("a table"))?;
                let is_known = |name: &str| record.fields.iter().any(|it| it.name == name);
                if let Some(name) = table.keys().find(|name| !is_known(name)) {
                    return Err(wrong(&format!("no member {name}")));
                }
                let fields = record.fields.iter().map(|field| {
                    let written = table.get(&field.name);
                    let written =
                        written.ok_or_else(|| wrong(&format!("a member {}", field.name)))?;
                    Ok((
                        Cow::Owned(field.name.clone()),
                        self.value(&field.ty, written)?,
                    ))
                });
                fields.collect::<Result<_, String>>().map(Value::Record)
            }
            // The package has no other.
            _ => Err("a handle is the host's own, and not written in cases".to_owned()),
        }
    }

    /// The cases of what is one of several, with what each carries.
    pub(crate) fn cases(&self, kind: &TypeDefKind) -> Option<Vec<(String, Option<Type>)>> {
        Some(match kind {
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                cases.map(|case| (case.name.clone(), case.ty)).collect()
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter();
                cases.map(|case| (case.name.clone(), None)).collect()
            }
            TypeDefKind::Option(of) => {
                vec![("none".to_owned(), None), ("some".to_owned(), Some(*of))]
            }
            TypeDefKind::Result(of) => {
                vec![("ok".to_owned(), of.ok), ("err".to_owned(), of.err)]
            }
            _ => return None,
        })
    }
}

/// The case, and what it carries.
fn case_of(written: &toml::Value) -> Option<(&str, Option<&toml::Value>)> {
    match written {
        toml::Value::String(case) => Some((case, None)),
        toml::Value::Table(table) if table.len() == 1 => {
            let (case, carried) = table.iter().next()?;
            Some((case, Some(carried)))
        }
        _ => None,
    }
}

fn number<T: TryFrom<i64> + std::str::FromStr>(written: &toml::Value) -> Option<T> {
    match written {
        toml::Value::Integer(number) => T::try_from(*number).ok(),
        toml::Value::String(number) => number.parse().ok(),
        _ => None,
    }
}

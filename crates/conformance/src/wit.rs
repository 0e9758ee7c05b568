//! The interface as data: the functions that a guest imports, values of their types written in TOML, and the shapes
//! that such a value can have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use edgewit_host::Value;
use wit_parser::{Function, FunctionKind, Resolve, Type, TypeDefKind, TypeId, WorldItem};

use crate::words;

/// The WIT package that guests are written against.
pub const WIT: &str = include_str!("../../../wit/edge.wit");

/// The functions of the WIT by the names that traces give them: `kv.open`, `store.get`.
pub(crate) struct Wit {
    resolve: Resolve,
    pub(crate) functions: BTreeMap<String, Function>,
}

/// The WIT that the host serves.
pub(crate) static EDGE: LazyLock<Wit> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("edge.wit", WIT).expect("a WIT package");
    let world = resolve.select_world(&[package], Some("app"));
    let imports = &resolve.worlds[world.expect("a world app")].imports;
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
    Wit { resolve, functions }
});

/// `store.get` of `[method]store.get`.
pub(crate) fn name_of_method(function: &str) -> &str {
    function.rsplit_once(']').map_or(function, |(_, name)| name)
}

/// One shape of a type: what tells it from the others, and a value. The parts are joined to the name of a case.
pub(crate) type Shape = (Vec<String>, toml::Value);

/// Members by name, in the order of the WIT.
type Members = Vec<(String, toml::Value)>;

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
    fn cases(&self, kind: &TypeDefKind) -> Option<Vec<(String, Option<Type>)>> {
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

    /// Every shape of a type that carries no handle, the plainest first; `name` is that of the place, whose values
    /// have to make sense there. A record has one shape for each shape of one member, the others plain.
    pub(crate) fn shapes(&self, name: &str, of: &Type) -> Vec<Shape> {
        match of {
            Type::Bool => [false, true].map(|it| shape(&it.to_string(), it)).into(),
            Type::U8 => vec![shape("", i64::from(u8::MAX))],
            Type::U16 => vec![shape("", 299)],
            // Milliseconds: what a number of every language holds.
            Type::U64 if name.ends_with("-ms") => vec![shape("", (1i64 << 53) - 1)],
            Type::U32 => vec![shape("", i64::from(u32::MAX))],
            // The second is the first that a double does not hold.
            Type::U64 => vec![
                shape("", u64::MAX.to_string()),
                shape("beyond-2-53", (1i64 << 53) + 1),
            ],
            Type::S64 => vec![
                shape("least", i64::MIN),
                shape("most", i64::MAX),
                shape("beyond-2-53", (1i64 << 53) + 1),
            ],
            Type::String => match name {
                "uri" => vec![shape("", "http://up.test/x?y=1")],
                "method" => vec![shape("", "PURGE")],
                _ => vec![shape("", "text"), shape("of-all-planes", "é€😀")],
            },
            Type::Id(id) => self.shapes_of_defined(name, *id),
            other => unreachable!("{other:?} is in no interface of the package"),
        }
    }

    fn shapes_of_defined(&self, name: &str, id: TypeId) -> Vec<Shape> {
        let defined = &self.resolve.types[id];
        if let Some(cases) = self.cases(&defined.kind) {
            let named = cases.into_iter().map(|(case, of)| {
                let Some(of) = of else {
                    return vec![shape(&case, case.clone())];
                };
                let carried = self.shapes(if case == "some" { name } else { &case }, &of);
                let is_error = defined
                    .name
                    .as_deref()
                    .is_some_and(|it| it.ends_with("-error"));
                // The texts of errors are for people: one is as good as another.
                let kept = if is_error && of == Type::String {
                    1
                } else {
                    carried.len()
                };
                let carried = carried.into_iter().take(kept);
                carried
                    .map(|(mut parts, value)| {
                        parts.insert(0, case.clone());
                        (
                            parts,
                            toml::Table::from_iter([(case.clone(), value)]).into(),
                        )
                    })
                    .collect()
            });
            return named.flatten().collect();
        }
        match &defined.kind {
            TypeDefKind::Type(of) => self.shapes(name, of),
            TypeDefKind::List(Type::U8) => {
                vec![shape("empty", "-"), shape("bytes", "%00%0D%0A%FF")]
            }
            TypeDefKind::List(of) => {
                let all: Vec<toml::Value> = self
                    .shapes(name, of)
                    .into_iter()
                    .map(|(_, it)| it)
                    .collect();
                match all.is_empty() {
                    true => Vec::new(),
                    false => vec![
                        shape("empty", toml::Value::Array(Vec::new())),
                        shape("several", all),
                    ],
                }
            }
            // The one tuple whose values have a grammar.
            TypeDefKind::Tuple(_) if defined.name.as_deref() == Some("field") => {
                let field =
                    |value: &str| shape("", vec![toml::Value::from("x-text"), value.into()]);
                vec![field("a%20b"), field("-"), field("%E9")]
            }
            TypeDefKind::Tuple(tuple) => {
                let names = tuple.types.iter().map(|of| (String::new(), *of)).collect();
                let all = self.varied(names).into_iter();
                all.map(|(parts, values)| {
                    (
                        parts,
                        values
                            .into_iter()
                            .map(|(_, value)| value)
                            .collect::<Vec<_>>()
                            .into(),
                    )
                })
                .collect()
            }
            TypeDefKind::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|field| (field.name.clone(), field.ty))
                    .collect();
                let all = self.varied(fields).into_iter();
                all.map(|(parts, members)| (parts, toml::Table::from_iter(members).into()))
                    .collect()
            }
            // A handle is the host's own.
            _ => Vec::new(),
        }
    }

    /// Members that are all plain, and then, for each of them, in each other shape that it has. None if one of them is
    /// a handle in every shape.
    pub(crate) fn varied(&self, members: Vec<(String, Type)>) -> Vec<(Vec<String>, Members)> {
        let shapes: Vec<Vec<Shape>> = members
            .iter()
            .map(|(name, of)| self.shapes(name, of))
            .collect();
        if shapes.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let plain: Vec<(String, toml::Value)> = members
            .iter()
            .zip(&shapes)
            .map(|((name, _), shapes)| (name.clone(), shapes[0].1.clone()))
            .collect();
        let mut all = vec![(Vec::new(), plain.clone())];
        for (at, (name, _)) in members.iter().enumerate() {
            for (parts, value) in &shapes[at][1..] {
                let mut varied = plain.clone();
                varied[at].1 = value.clone();
                let named = [name.clone()].into_iter().chain(parts.iter().cloned());
                all.push((named.filter(|part| !part.is_empty()).collect(), varied));
            }
        }
        all
    }
}

fn shape(name: &str, value: impl Into<toml::Value>) -> Shape {
    let parts = Some(name.to_owned()).filter(|name| !name.is_empty());
    (parts.into_iter().collect(), value.into())
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

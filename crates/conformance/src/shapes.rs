//! The shapes that a value of the interface can have.

use wit_parser::{Type, TypeDefKind, TypeId};

use crate::wit::Wit;

/// One shape of a type: what tells it from the others, and a value. The parts are joined to the name of a case.
pub(crate) type Shape = (Vec<String>, toml::Value);

/// Members by name, in the order of the WIT.
type Members = Vec<(String, toml::Value)>;

/// Texts that have a grammar, by the names of their places: none of them is empty.
const NEVER_EMPTY: [&str; 2] = ["key", "keys"];

impl Wit {
    /// Every shape of a type that carries no handle, the plainest first; `name` is that of the place, whose values
    /// have to make sense there. A record has one shape for each shape of one member, the others plain.
    pub(crate) fn shapes(&self, name: &str, of: &Type) -> Vec<Shape> {
        match of {
            Type::Bool => [false, true].map(|it| shape(&it.to_string(), it)).into(),
            Type::U8 => vec![shape("", i64::from(u8::MAX))],
            // A status.
            Type::U16 => vec![shape("", 299)],
            // Milliseconds: what a number of every language holds.
            Type::U64 if name.ends_with("-ms") => {
                vec![shape("", (1i64 << 53) - 1), shape("zero", 0)]
            }
            Type::U32 => vec![shape("", i64::from(u32::MAX)), shape("zero", 0)],
            // The second is the first that a double does not hold.
            Type::U64 => vec![
                shape("", u64::MAX.to_string()),
                shape("beyond-2-53", (1i64 << 53) + 1),
                shape("zero", 0),
            ],
            Type::S64 => vec![
                shape("least", i64::MIN),
                shape("most", i64::MAX),
                shape("beyond-2-53", (1i64 << 53) + 1),
                shape("zero", 0),
            ],
            Type::String => match name {
                "uri" => vec![shape("", "http://up.test/x?y=1")],
                "method" => vec![shape("", "PURGE")],
                _ => {
                    let empty = (!NEVER_EMPTY.contains(&name)).then(|| shape("empty", ""));
                    let all = [shape("", "text"), shape("of-all-planes", "é€😀")];
                    all.into_iter().chain(empty).collect()
                }
            },
            Type::Id(id) => self.shapes_of_defined(name, *id),
            other => unreachable!("{other:?} is in no interface of the package"),
        }
    }

    fn shapes_of_defined(&self, name: &str, id: TypeId) -> Vec<Shape> {
        let defined = &self.resolve.types[id];
        let is_error = defined
            .name
            .as_deref()
            .is_some_and(|it| it.ends_with("-error"));
        if let Some(cases) = self.cases(&defined.kind) {
            let shapes = cases
                .into_iter()
                .map(|(case, of)| self.shapes_of_case(name, &case, of, is_error));
            return shapes.flatten().collect();
        }
        match &defined.kind {
            TypeDefKind::Type(of) => self.shapes(name, of),
            TypeDefKind::List(Type::U8) => {
                vec![shape("empty", "-"), shape("bytes", "%00%0D%0A%FF")]
            }
            TypeDefKind::List(of) => self.shapes_of_list(name, of),
            // The one tuple whose values have a grammar.
            TypeDefKind::Tuple(_) if defined.name.as_deref() == Some("field") => {
                let field =
                    |value: &str| shape("", vec![toml::Value::from("x-text"), value.into()]);
                vec![field("a%20b"), field("-"), field("%E9")]
            }
            TypeDefKind::Tuple(tuple) => {
                let names = tuple.types.iter().map(|of| (String::new(), *of));
                let values = |members: Members| members.into_iter().map(|(_, value)| value);
                let all = self.varied(names.collect()).into_iter();
                all.map(|(parts, members)| (parts, values(members).collect::<Vec<_>>().into()))
                    .collect()
            }
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| (field.name.clone(), field.ty));
                let all = self.varied(fields.collect()).into_iter();
                all.map(|(parts, members)| (parts, toml::Table::from_iter(members).into()))
                    .collect()
            }
            // A handle is the host's own.
            _ => Vec::new(),
        }
    }

    /// Those of one case of what is one of several: alone, or one for each shape of what it carries.
    fn shapes_of_case(
        &self,
        name: &str,
        case: &str,
        of: Option<Type>,
        is_error: bool,
    ) -> Vec<Shape> {
        let Some(of) = of else {
            return vec![shape(case, case)];
        };
        let mut carried = self.shapes(if case == "some" { name } else { case }, &of);
        // The texts of errors are for people: one is as good as another.
        if is_error && of == Type::String {
            carried.truncate(1);
        }
        let shapes = carried.into_iter().map(|(mut parts, value)| {
            parts.insert(0, case.to_owned());
            let table = toml::Table::from_iter([(case.to_owned(), value)]);
            (parts, table.into())
        });
        shapes.collect()
    }

    fn shapes_of_list(&self, name: &str, of: &Type) -> Vec<Shape> {
        let shapes = self.shapes(name, of).into_iter();
        let all: Vec<toml::Value> = shapes.map(|(_, value)| value).collect();
        match all.is_empty() {
            true => Vec::new(),
            false => vec![
                shape("empty", toml::Value::Array(Vec::new())),
                shape("several", all),
            ],
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

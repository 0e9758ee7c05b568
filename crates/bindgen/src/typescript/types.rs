//! Types, and their declarations.

use wit_bindgen_core::wit_parser::{
    Docs, Handle, Result_, Type, TypeDef, TypeDefKind, TypeId, TypeOwner,
};

use super::layout::{Layout, Member, alias, docs, field};
use super::{Fallible, Generator, Scope, functions, names};

impl Generator<'_> {
    /// The types of a scope, each after `head`. What a scope takes from another by `use` is that one's.
    pub fn declarations(&self, scope: &Scope, head: &str, indent: usize) -> Fallible<Vec<String>> {
        let mut texts = Vec::new();
        for id in &scope.types {
            let definition = &self.resolve.types[*id];
            if self.used(definition).is_none() {
                let wit = definition.name.as_deref().unwrap_or_default();
                let text = self
                    .declaration(scope, *id, head, indent)
                    .map_err(scope.blame(wit))?;
                texts.push(docs(definition.docs.contents.as_deref(), indent) + &text);
            }
        }
        Ok(texts)
    }

    /// The type of another scope that `definition` stands for.
    fn used(&self, definition: &TypeDef) -> Option<TypeId> {
        match definition.kind {
            TypeDefKind::Type(Type::Id(id)) if self.resolve.types[id].owner != definition.owner => {
                Some(id)
            }
            _ => None,
        }
    }

    fn declaration(
        &self,
        scope: &Scope,
        id: TypeId,
        head: &str,
        indent: usize,
    ) -> Fallible<String> {
        let definition = &self.resolve.types[id];
        let name = names::type_name(definition.name.as_deref().unwrap_or_default());
        let interface = |extends: &str, members: &str| {
            functions::interface(&format!("{head}interface {name}{extends}"), members, indent)
        };
        Ok(match &definition.kind {
            TypeDefKind::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|field| (&field.name, &field.docs, Some(&field.ty)));
                interface("", &self.fields(scope, fields, indent + 2)?)
            }
            TypeDefKind::Flags(flags) => {
                let fields = flags
                    .flags
                    .iter()
                    .map(|flag| (&flag.name, &flag.docs, None));
                interface("", &self.fields(scope, fields, indent + 2)?)
            }
            TypeDefKind::Resource => {
                // The guest's own class need not have anything to dispose of.
                let extends = if scope.exported {
                    " extends Partial<Disposable>"
                } else {
                    " extends Disposable"
                };
                interface(extends, &self.methods(scope, id, indent + 2)?)
            }
            kind => alias(
                &format!("{head}type {name}"),
                &self.kind(scope, kind)?,
                indent,
            ),
        })
    }

    /// The members of a record, or of flags, which have no type. What may be absent need not be there.
    fn fields<'b>(
        &self,
        scope: &Scope,
        fields: impl Iterator<Item = (&'b String, &'b Docs, Option<&'b Type>)>,
        indent: usize,
    ) -> Fallible<String> {
        let mut text = String::new();
        for (wit, comment, ty) in fields {
            let name = names::member(wit);
            let (mark, layout) = match ty {
                None => ("?", Layout::text("boolean").or(Layout::text("undefined"))),
                Some(ty) if self.nullable(ty) => ("?", self.unnamed(scope, ty)?),
                Some(ty) => ("", self.ty(scope, ty)?),
            };
            let head = format!("{}{name}{mark}", " ".repeat(indent));
            text += &docs(comment.contents.as_deref(), indent);
            text += &field(&head, &layout.fit(indent, head.len() + 2, 1));
            text += "\n";
        }
        Ok(text)
    }

    pub fn ty_or(&self, scope: &Scope, ty: Option<&Type>, otherwise: &str) -> Fallible<Layout> {
        ty.map_or_else(|| Ok(Layout::text(otherwise)), |ty| self.ty(scope, ty))
    }

    pub fn ty(&self, scope: &Scope, ty: &Type) -> Fallible<Layout> {
        Ok(Layout::text(match ty {
            Type::Bool => "boolean",
            Type::U8 | Type::U16 | Type::U32 | Type::S8 | Type::S16 | Type::S32 => "number",
            Type::F32 | Type::F64 => "number",
            Type::U64 | Type::S64 => "bigint",
            Type::Char | Type::String => "string",
            Type::ErrorContext => return Err("an `error-context`".to_owned()),
            Type::Id(id) => {
                let definition = &self.resolve.types[*id];
                return match (&definition.name, self.used(definition)) {
                    (_, Some(used)) => self.ty(scope, &Type::Id(used)),
                    (Some(name), None) => self.reference(scope, definition.owner, name),
                    (None, None) => self.kind(scope, &definition.kind),
                };
            }
        }))
    }

    fn reference(&self, scope: &Scope, owner: TypeOwner, wit: &str) -> Fallible<Layout> {
        let name = names::type_name(wit);
        Ok(Layout::Text(match owner {
            TypeOwner::Interface(id) if owner != scope.owner => match self.namespaces.get(&id) {
                Some(namespace) => format!("{namespace}.{name}"),
                None => {
                    return Err(format!(
                        "`{wit}`, of an interface that the world does not have"
                    ));
                }
            },
            _ => name,
        }))
    }

    fn kind(&self, scope: &Scope, kind: &TypeDefKind) -> Fallible<Layout> {
        Ok(match kind {
            TypeDefKind::Type(ty) => self.ty(scope, ty)?,
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => {
                self.ty(scope, &Type::Id(*id))?
            }
            TypeDefKind::Tuple(tuple) => {
                let items = tuple.types.iter().map(|ty| self.ty(scope, ty));
                Layout::Tuple(items.collect::<Fallible<_>>()?)
            }
            TypeDefKind::List(item) => match self.typed_array(item) {
                Some(array) => Layout::text(array),
                None => Layout::Array(Box::new(self.ty(scope, item)?)),
            },
            TypeDefKind::Option(inner) if self.nullable(inner) => {
                case("none", None).or(case("some", Some(self.ty(scope, inner)?)))
            }
            TypeDefKind::Option(inner) => self.ty(scope, inner)?.or(Layout::text("undefined")),
            TypeDefKind::Result(Result_ { ok, err }) => {
                let value =
                    |ty: &Option<Type>| ty.as_ref().map(|ty| self.ty(scope, ty)).transpose();
                case("ok", value(ok)?).or(case("err", value(err)?))
            }
            TypeDefKind::Variant(variant) => {
                let members = variant.cases.iter().map(|each| {
                    let value = each.ty.as_ref().map(|ty| self.ty(scope, ty));
                    Ok(Member::new(
                        &each.docs,
                        case(&each.name, value.transpose()?),
                    ))
                });
                Layout::Union(members.collect::<Fallible<_>>()?)
            }
            TypeDefKind::Enum(cases) => {
                let members = cases.cases.iter().map(|each| {
                    Member::new(&each.docs, Layout::Text(format!("\"{}\"", each.name)))
                });
                Layout::Union(members.collect())
            }
            // Declared by name, never met here.
            TypeDefKind::Record(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Resource
            | TypeDefKind::Unknown => {
                return Err(format!("a {} without a name", kind.as_str()));
            }
            TypeDefKind::Map(..)
            | TypeDefKind::FixedLengthList(..)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_) => return Err(format!("a `{}`", kind.as_str())),
        })
    }

    /// Whether absence is `undefined` in `ty`, which an option around it then can't use.
    fn nullable(&self, ty: &Type) -> bool {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Option(inner) => !self.nullable(inner),
                TypeDefKind::Type(ty) => self.nullable(ty),
                _ => false,
            },
            _ => false,
        }
    }

    /// `ty` without the names that it has been given.
    fn unnamed(&self, scope: &Scope, ty: &Type) -> Fallible<Layout> {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(ty) => self.unnamed(scope, ty),
                kind => self.kind(scope, kind),
            },
            ty => self.ty(scope, ty),
        }
    }

    fn typed_array(&self, item: &Type) -> Option<&'static str> {
        Some(match item {
            Type::U8 => "Uint8Array",
            Type::S8 => "Int8Array",
            Type::U16 => "Uint16Array",
            Type::S16 => "Int16Array",
            Type::U32 => "Uint32Array",
            Type::S32 => "Int32Array",
            Type::U64 => "BigUint64Array",
            Type::S64 => "BigInt64Array",
            Type::F32 => "Float32Array",
            Type::F64 => "Float64Array",
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(ty) => return self.typed_array(ty),
                _ => return None,
            },
            Type::Bool | Type::Char | Type::String | Type::ErrorContext => return None,
        })
    }
}

/// One case of a variant.
fn case(tag: &str, value: Option<Layout>) -> Layout {
    let tag = ("tag", Layout::Text(format!("\"{tag}\"")));
    Layout::Object(
        [tag]
            .into_iter()
            .chain(value.map(|value| ("val", value)))
            .collect(),
    )
}

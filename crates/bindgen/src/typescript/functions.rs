//! Functions, and the interfaces that hold them.

use wit_bindgen_core::wit_parser::{Function, FunctionKind, Type, TypeDefKind, TypeId};

use super::layout::{Layout, docs, signature};
use super::{Fallible, Generator, Scope, names};

/// `head { members }`.
pub fn interface(head: &str, members: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    if members.is_empty() {
        format!("{margin}{head} {{}}\n")
    } else {
        format!("{margin}{head} {{\n{members}{margin}}}\n")
    }
}

impl Generator<'_> {
    /// The functions of a scope that belong to no value: free ones, and by resource its constructor and static ones.
    pub fn members(&self, scope: &Scope, indent: usize) -> Fallible<String> {
        let mut text = self.functions(scope, indent, |kind| {
            matches!(kind, FunctionKind::Freestanding)
        })?;
        for id in &scope.types {
            text += &self.class(scope, *id, indent)?;
        }
        for function in &scope.functions {
            supported(function).map_err(scope.blame(wit_name(function)))?;
        }
        Ok(text)
    }

    pub fn methods(&self, scope: &Scope, resource: TypeId, indent: usize) -> Fallible<String> {
        self.functions(scope, indent, |kind| {
            *kind == FunctionKind::Method(resource)
        })
    }

    /// The class of a resource. The guest has to provide one for each that it exports.
    fn class(&self, scope: &Scope, id: TypeId, indent: usize) -> Fallible<String> {
        let definition = &self.resolve.types[id];
        if !matches!(definition.kind, TypeDefKind::Resource) {
            return Ok(String::new());
        }
        let constructs = |kind: &FunctionKind| *kind == FunctionKind::Constructor(id);
        let inner = indent + 2;
        let mut members = self.functions(scope, inner, constructs)?;
        let name = names::type_name(definition.name.as_deref().unwrap_or_default());
        if scope.exported && members.is_empty() {
            members = format!("{}new (...args: never[]): {name};\n", " ".repeat(inner));
        }
        members += &self.functions(scope, inner, |kind| *kind == FunctionKind::Static(id))?;
        if members.is_empty() {
            return Ok(members);
        }
        let text = interface(&format!("{name}:"), &members, indent);
        Ok(text.trim_end().to_owned() + ";\n")
    }

    fn functions(
        &self,
        scope: &Scope,
        indent: usize,
        belongs: impl Fn(&FunctionKind) -> bool,
    ) -> Fallible<String> {
        let functions = scope.functions.iter();
        functions
            .filter(|function| belongs(&function.kind))
            .map(|function| {
                self.function(scope, function, indent)
                    .map_err(scope.blame(wit_name(function)))
            })
            .collect()
    }

    fn function(&self, scope: &Scope, function: &Function, indent: usize) -> Fallible<String> {
        let name = match (&function.kind, names::member(function.item_name())) {
            (FunctionKind::Constructor(_), _) => "new ".to_owned(),
            // Without quotes it would declare a constructor.
            (_, name) if name == "new" => "\"new\"".to_owned(),
            (_, name) => name,
        };
        let is_method = matches!(function.kind, FunctionKind::Method(_));
        let parameters = function.params.iter().skip(usize::from(is_method));
        let parameters = parameters
            .map(|parameter| {
                let layout = self.ty(scope, &parameter.ty)?;
                Ok((names::parameter(&parameter.name), layout))
            })
            .collect::<Fallible<Vec<_>>>()?;
        let (returned, thrown) = self.result(scope, function)?;
        let comment = function.docs.contents.as_deref();
        Ok(docs(comment.into_iter().chain(thrown.as_deref()), indent)
            + &signature(&name, &parameters, &returned, indent))
    }

    /// What a call returns, and the line about what it throws: of a `result` the one case and the other.
    fn result(&self, scope: &Scope, function: &Function) -> Fallible<(Layout, Option<String>)> {
        let kind = match function.result {
            Some(Type::Id(id)) => Some(&self.resolve.types[id].kind),
            _ => None,
        };
        let (ok, thrown) = match kind {
            Some(TypeDefKind::Result(result)) => {
                let error = self.ty_or(scope, result.err.as_ref(), "undefined")?;
                (
                    result.ok.as_ref(),
                    Some(format!("Throws: `{}`.", error.flat())),
                )
            }
            _ => (function.result.as_ref(), None),
        };
        let ok = self.ty_or(scope, ok, "void")?;
        let returned = if scope.exported && !matches!(function.kind, FunctionKind::Constructor(_)) {
            let promise = format!("Promise<{}>", ok.flat());
            ok.or(Layout::Text(promise))
        } else {
            ok
        };
        Ok((returned, thrown))
    }
}

/// `resource.function`, or `resource` for its constructor.
fn wit_name(function: &Function) -> &str {
    function.name.rsplit(']').next().unwrap_or_default()
}

/// componentize-js has neither asynchronous functions nor properties.
fn supported(function: &Function) -> Fallible<()> {
    match function.kind {
        FunctionKind::Freestanding
        | FunctionKind::Method(_)
        | FunctionKind::Static(_)
        | FunctionKind::Constructor(_) => Ok(()),
        FunctionKind::AsyncFreestanding
        | FunctionKind::AsyncMethod(_)
        | FunctionKind::AsyncStatic(_) => Err("an `async` function".to_owned()),
        FunctionKind::Getter
        | FunctionKind::Setter
        | FunctionKind::MethodGetter(_)
        | FunctionKind::MethodSetter(_)
        | FunctionKind::StaticGetter(_)
        | FunctionKind::StaticSetter(_) => Err("a property".to_owned()),
    }
}

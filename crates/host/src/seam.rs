//! The one place where imports are registered, and where whoever watches them stands.

use std::future::Future;
use std::sync::Arc;

use wasmtime::component::{
    ComponentNamedList, Lift, Linker, Lower, Resource, ResourceType, Val, types,
};
use wasmtime::{Result, StoreContextMut};

use crate::state::State;
use crate::value::{Mismatch, Reflect, Value, from_val, mismatch, to_val};

/// One call of an import.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The request that the instance handles.
    pub request_id: &'a str,
    /// The interface with its version, `edge:sdk/kv@0.1.0`.
    pub interface: &'a str,
    /// The function as the component model names it, `open` or `[method]store.get`.
    pub function: &'a str,
    /// The arguments in order; a method's handle comes first.
    pub arguments: &'a [Value],
}

/// Watches, and may answer, every call of an import: `edge:sdk`'s and WASI's alike.
///
/// A host without a hook registers its functions as they are, and pays nothing.
pub trait Hook: Send + Sync + 'static {
    /// Before the instance for a request is brought up. A request that is refused before has none.
    fn began(&self, request_id: &str) {
        let _ = request_id;
    }

    /// Once the instance is up, before `handle` is called.
    fn instantiated(&self, request_id: &str) {
        let _ = request_id;
    }

    /// Once nothing more of the guest will run, `after-reply` included: the instance goes next.
    fn returned(&self, request_id: &str) {
        let _ = request_id;
    }

    /// The host wrote a line of level `error` for a request: how its handler, its reply or `after-reply` failed.
    fn failed(&self, request_id: &str, reason: &str) {
        let _ = (request_id, reason);
    }

    /// `handle` returned a reply with these hints, and took the handle of the body that it hands on, if it does.
    fn replied(&self, request_id: &str, hints: &[(String, String)], handed_on: Option<u32>) {
        let _ = (request_id, hints, handed_on);
    }

    /// The guest did not return: it trapped, or a limit ended it. What the host said of it is told by
    /// [`failed`](Hook::failed) before.
    fn trapped(&self, request_id: &str) {
        let _ = request_id;
    }

    /// Once that instance is gone.
    fn ended(&self, request_id: &str) {
        let _ = request_id;
    }

    /// Before a call. A value is the result in place of the host's own, which is then not called: the
    /// arguments' handles that the call would have taken are dropped. A value of another type than
    /// the function's ends the request as a trap that says so.
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let _ = call;
        None
    }

    /// After a call, with its result, or the text of the trap that it ended in.
    fn after(&self, call: &Call<'_>, result: Result<&Value, &str>) {
        let _ = (call, result);
    }

    /// After the guest dropped a handle. Those that go with the instance are not told.
    fn dropped(&self, request_id: &str, resource: &str, handle: u32) {
        let _ = (request_id, resource, handle);
    }
}

/// What an import's implementation returns: the host runs it on the guest's own stack, which waits.
pub(crate) type Answer<'a, R> = Box<dyn Future<Output = Result<R>> + Send + 'a>;

/// Registers the functions and resources of one interface.
pub(crate) struct Interface<'a> {
    linker: &'a mut Linker<State>,
    hook: Option<Arc<dyn Hook>>,
    name: Arc<str>,
}

impl<'a> Interface<'a> {
    pub(crate) fn new(
        linker: &'a mut Linker<State>,
        hook: &Option<Arc<dyn Hook>>,
        name: &str,
    ) -> Self {
        Self {
            linker,
            hook: hook.clone(),
            name: name.into(),
        }
    }

    /// A function whose types are ours.
    pub(crate) fn func<P, R>(
        &mut self,
        name: &str,
        implementation: impl for<'c> Fn(StoreContextMut<'c, State>, P) -> Answer<'c, R>
        + Send
        + Sync
        + 'static,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lift + Reflect + Send + 'static,
        R: ComponentNamedList + Lower + Reflect + Send + Sync + 'static,
    {
        let mut instance = self.linker.instance(&self.name)?;
        let Some(hook) = self.hook.clone() else {
            return instance.func_wrap_async(name, implementation);
        };
        let watch = Watch {
            hook,
            interface: self.name.clone(),
            function: name.into(),
        };
        let shared = Arc::new((watch, implementation));
        instance.func_wrap_async(name, move |mut context, arguments: P| {
            let shared = shared.clone();
            Box::new(async move {
                let (watch, implementation) = &*shared;
                let id = context.data().request_id();
                let Value::Tuple(shown) = arguments.value() else {
                    unreachable!("parameters are a tuple")
                };
                let result = match watch.before(&id, &shown) {
                    Some(value) => {
                        arguments.release(&mut context.data_mut().table);
                        // A function has one result or none: the tuple around it is the ABI's.
                        R::from_value(watch.as_results(value)).map_err(|error| watch.misfit(error))
                    }
                    None => {
                        Box::into_pin(implementation(
                            wasmtime::AsContextMut::as_context_mut(&mut context),
                            arguments,
                        ))
                        .await
                    }
                };
                watch.after(&id, &shown, result.as_ref().map(Reflect::value));
                result
            })
        })
    }

    /// A function known only by its type, whose `implementation` makes the result of that type.
    pub(crate) fn untyped(
        &mut self,
        name: &str,
        implementation: impl Fn(&types::ComponentFunc) -> Result<Vec<Val>> + Send + Sync + 'static,
    ) -> Result<()> {
        let watch = self.hook.clone().map(|hook| Watch {
            hook,
            interface: self.name.clone(),
            function: name.into(),
        });
        self.linker
            .instance(&self.name)?
            .func_new(name, move |context, ty, arguments, results| {
                let Some(watch) = &watch else {
                    results.clone_from_slice(&implementation(&ty)?);
                    return Ok(());
                };
                let id = context.data().request_id();
                let shown: Vec<Value> = arguments.iter().map(from_val).collect();
                let made = match watch.before(&id, &shown) {
                    Some(value) => watch.as_vals(value, &ty),
                    None => implementation(&ty),
                };
                let shown_result = made
                    .as_ref()
                    .map(|vals| Value::Tuple(vals.iter().map(from_val).collect()));
                watch.after(&id, &shown, shown_result);
                results.clone_from_slice(&made?);
                Ok(())
            })
    }

    /// A resource that lives in the request's table as a `T`.
    pub(crate) fn resource<T: Send + 'static>(&mut self, name: &str) -> Result<()> {
        let hook = self.hook.clone();
        let resource: Arc<str> = format!("{}#{name}", self.name).into();
        self.linker.instance(&self.name)?.resource(
            name,
            ResourceType::host::<T>(),
            move |mut context, rep| {
                context
                    .data_mut()
                    .table
                    .delete(Resource::<T>::new_own(rep))?;
                if let Some(hook) = &hook {
                    hook.dropped(&context.data().request_id(), &resource, rep);
                }
                Ok(())
            },
        )
    }
}

/// A hook with the name of the function it stands at.
struct Watch {
    hook: Arc<dyn Hook>,
    interface: Arc<str>,
    function: Box<str>,
}

impl Watch {
    fn call<'a>(&'a self, request_id: &'a str, arguments: &'a [Value]) -> Call<'a> {
        Call {
            request_id,
            interface: &self.interface,
            function: &self.function,
            arguments,
        }
    }

    fn before(&self, request_id: &str, arguments: &[Value]) -> Option<Value> {
        self.hook.before(&self.call(request_id, arguments))
    }

    fn after(
        &self,
        request_id: &str,
        arguments: &[Value],
        result: Result<Value, &wasmtime::Error>,
    ) {
        let call = self.call(request_id, arguments);
        match result {
            Ok(Value::Tuple(mut results)) if results.len() == 1 => {
                self.hook.after(&call, Ok(&results.remove(0)));
            }
            Ok(results) => self.hook.after(&call, Ok(&results)),
            Err(trap) => self.hook.after(&call, Err(&trap.to_string())),
        }
    }

    fn as_results(&self, value: Value) -> Value {
        match value {
            Value::Tuple(none) if none.is_empty() => Value::Tuple(none),
            one => Value::Tuple(vec![one]),
        }
    }

    /// For a function known only by its type.
    fn as_vals(&self, value: Value, ty: &types::ComponentFunc) -> Result<Vec<Val>> {
        let vals = match (self.as_results(value), ty.results().len()) {
            (Value::Tuple(values), count) if values.len() == count => {
                let typed = values.into_iter().zip(ty.results());
                typed.map(|(value, ty)| to_val(value, &ty)).collect()
            }
            (found, _) => Err(mismatch("as many results as it has", found)),
        };
        vals.map_err(|error| self.misfit(error))
    }

    fn misfit(&self, error: Mismatch) -> wasmtime::Error {
        wasmtime::format_err!(
            "the hook's answer to {}#{}: {error}",
            self.interface,
            self.function
        )
    }
}

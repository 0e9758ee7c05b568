//! The attribute macro of the crate `edgewit`, which documents and re-exports it.

use proc_macro::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::{ItemFn, Path, Token, parse_macro_input, parse_quote};

/// Makes a function the application: it handles every request, whatever the method and the path.
///
/// The function takes the `Request`, or the `Request` and a `&Context`, and returns `Result<Response, Error>`. The
/// attribute leaves it as it is and puts an [`export!`](https://docs.rs/edgewit/latest/edgewit/macro.export.html) beside
/// it.
///
/// Where the crate is known under another name, `crate` tells it: `#[edge::handler(crate = edge)]`.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let edgewit = match arguments.is_empty() {
        true => parse_quote!(::edgewit),
        false => parse_macro_input!(arguments with named_crate),
    };
    let function = parse_macro_input!(item as ItemFn);
    expand(&edgewit, &function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn named_crate(input: ParseStream<'_>) -> syn::Result<Path> {
    let text = "`handler` takes no argument but `crate = NAME`";
    let wrong = |error: syn::Error| syn::Error::new(error.span(), text);
    input.parse::<Token![crate]>().map_err(wrong)?;
    input.parse::<Token![=]>().map_err(wrong)?;
    input.call(Path::parse_mod_style).map_err(wrong)
}

fn expand(edgewit: &Path, function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let signature = &function.sig;
    let name = &signature.ident;
    if let Some(token) = signature.asyncness {
        let text = "a handler is not `async`: its calls block";
        return Err(syn::Error::new(token.span, text));
    }
    let call = match signature.inputs.len() {
        1 => quote!(#name(context.take_request())),
        2 => quote!({
            let request = context.take_request();
            #name(request, context)
        }),
        _ => {
            let text = "a handler takes a `Request`, or a `Request` and a `&Context`";
            return Err(syn::Error::new_spanned(&signature.inputs, text));
        }
    };
    Ok(quote! {
        #function

        #edgewit::export!(#edgewit::Router::single(|context| #call));
    })
}

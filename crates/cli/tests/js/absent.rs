//! What is absent is listed in the SDK's README, and the list is true.

use serde_json::json;

use crate::serving::{app, json, q, run};
use crate::wire::Message;

/// The names in the first column of the README's table.
fn listed() -> Vec<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk-js-shim/README.md");
    let text = std::fs::read_to_string(file).unwrap();
    let section = text.split("## What is absent\n").nth(1).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| {
        let column = row.split('|').nth(1).unwrap();
        column.split('`').skip(1).step_by(2)
    });
    names.map(str::to_owned).collect()
}

/// What the minimum common API of the Web (ECMA-429) names.
const COMMON: &str = "AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream \
    CountQueuingStrategy Crypto CryptoKey CustomEvent DecompressionStream DOMException ErrorEvent Event EventTarget \
    File FormData Headers MessageChannel MessageEvent MessagePort Performance PromiseRejectionEvent \
    ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest \
    ReadableStreamDefaultController ReadableStreamDefaultReader Request Response SubtleCrypto TextDecoder \
    TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL URLPattern \
    URLSearchParams WebAssembly WritableStream WritableStreamDefaultController WritableStreamDefaultWriter \
    atob btoa clearInterval clearTimeout console crypto fetch globalThis navigator.userAgent onerror \
    onrejectionhandled onunhandledrejection performance.now performance.timeOrigin queueMicrotask reportError self \
    setInterval setTimeout structuredClone \
    crypto.getRandomValues crypto.randomUUID crypto.subtle.decrypt crypto.subtle.deriveBits crypto.subtle.deriveKey \
    crypto.subtle.digest crypto.subtle.encrypt crypto.subtle.exportKey crypto.subtle.generateKey \
    crypto.subtle.importKey crypto.subtle.sign crypto.subtle.unwrapKey crypto.subtle.verify crypto.subtle.wrapKey \
    AbortSignal.abort AbortSignal.any AbortSignal.timeout AbortSignal.prototype.throwIfAborted Blob.prototype.stream \
    Headers.prototype.getSetCookie ReadableStream.from ReadableStream.prototype.tee ReadableStream.prototype.values \
    Request.prototype.bytes Request.prototype.clone Request.prototype.formData Request.prototype.signal \
    Response.error Response.json Response.prototype.bytes Response.prototype.clone Response.redirect \
    String.prototype.normalize String.prototype.isWellFormed URL.canParse URL.parse Intl Promise.withResolvers \
    Array.fromAsync Object.groupBy Set.prototype.union";

/// Of some names, those that are absent.
async fn absent(served: &crate::applications::Address, names: &[String]) -> Vec<String> {
    let body = json!(names).to_string();
    let mut wire = served.connect().await;
    wire.send(format!(
        "POST /absent HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let reply: Message = wire.response().await;
    serde_json::from_value(json(&reply)).unwrap()
}

#[test]
fn what_is_listed_as_absent_is() {
    run(async {
        let served = app("js-absent").await;
        let listed = listed();
        assert!(listed.len() > 40, "{listed:?}");
        assert_eq!(absent(&served, &listed).await, listed);
    });
}

#[test]
fn what_is_absent_of_the_web_is_listed() {
    run(async {
        let served = app("js-common").await;
        let common: Vec<_> = COMMON.split_whitespace().map(str::to_owned).collect();
        let listed = listed();
        let absent = absent(&served, &common).await.into_iter();
        let unlisted: Vec<_> = absent.filter(|name| !listed.contains(name)).collect();
        assert!(unlisted.is_empty(), "{unlisted:?}");
    });
}

#[test]
fn using_what_is_absent_names_it() {
    run(async {
        let served = app("js-uses").await;
        let names = listed();
        let query: String = names.iter().map(|name| format!("&name={name}")).collect();
        let uses = json(&served.get(&format!("/uses?x{query}")).await);
        for name in names {
            let error = uses[&name].as_str().unwrap_or_default();
            let last = name.rsplit('.').next().unwrap();
            assert!(error.contains(last), "{name}: {error}");
        }
        let code = q(r"/\p{L}/u");
        let reply = served.get(&format!("/expression?code={code}")).await;
        let expected = "SyntaxError: invalid property name in regular expression";
        assert_eq!(reply.text(), expected);
    });
}

//! What is absent is listed in the SDK's README, and the list is true.

use serde::Serialize;
use serde_json::json;

use crate::applications::Address;
use crate::events;
use crate::serving::{app, json, q, run};
use crate::wire::Message;

/// The rows of the README's table: names, and what to use instead of them.
fn rows() -> Vec<(Vec<String>, String)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk-js-shim/README.md");
    let text = std::fs::read_to_string(file).unwrap();
    let table = text.split("| absent | instead |\n").nth(1).unwrap();
    let rows = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(1);
    let rows = rows.map(|row| {
        let columns: Vec<_> = row.split('|').collect();
        let names = columns[1].split('`').skip(1).step_by(2).map(str::to_owned);
        (names.collect(), columns[2].trim().to_owned())
    });
    rows.collect()
}

/// The names in its first column.
fn listed() -> Vec<String> {
    rows().into_iter().flat_map(|(names, _)| names).collect()
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

/// What other platforms have beside that, of which applications are written for them.
const OTHERS: &str = "Atomics BroadcastChannel Buffer Bun Deno DOMParser EventSource FileReader FixedLengthStream \
    FinalizationRegistry HTMLRewriter PerformanceEntry PerformanceObserver SharedArrayBuffer URL.createObjectURL \
    URL.revokeObjectURL WeakRef WebSocket WebSocketPair Worker XMLHttpRequest __dirname __filename caches \
    clearImmediate crypto.subtle.timingSafeEqual document importScripts indexedDB localStorage navigator.sendBeacon \
    performance.getEntries performance.mark performance.measure postMessage process requestAnimationFrame \
    requestIdleCallback require sessionStorage setImmediate window";

/// What an application answers to texts.
async fn ask(served: &Address, target: &str, texts: &[impl Serialize]) -> Vec<String> {
    let body = json!(texts).to_string();
    let mut wire = served.connect().await;
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let reply: Message = wire.response().await;
    serde_json::from_value(json(&reply)).unwrap()
}

/// Of some names, those that are absent.
async fn absent(served: &Address, names: &[String]) -> Vec<String> {
    ask(served, "/absent", names).await
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
        let common = COMMON.split_whitespace().chain(OTHERS.split_whitespace());
        let common: Vec<_> = common.map(str::to_owned).collect();
        let listed = listed();
        let absent = absent(&served, &common).await.into_iter();
        let unlisted: Vec<_> = absent.filter(|name| !listed.contains(name)).collect();
        assert!(unlisted.is_empty(), "{unlisted:?}");
    });
}

#[test]
fn using_what_is_absent_names_it_and_what_to_use_instead() {
    run(async {
        let served = app("js-uses").await;
        let query: String = listed()
            .iter()
            .map(|name| format!("&name={name}"))
            .collect();
        let uses = json(&served.get(&format!("/uses?x{query}")).await);
        for (names, instead) in rows() {
            for name in names {
                let error = uses[&name].as_str().unwrap_or_default();
                let due = format!("; instead of `{name}`: {instead}");
                let said = error.strip_suffix(&due);
                assert!(
                    said.is_some_and(|said| said.contains(&name)),
                    "{name}: {error}"
                );
            }
        }
        let code = q(r"/\p{L}/u");
        let reply = served.get(&format!("/expression?code={code}")).await;
        let expected = "SyntaxError: invalid property name in regular expression";
        assert_eq!(reply.text(), expected);
    });
}

#[test]
fn an_exception_on_what_is_absent_is_logged_with_what_to_use_instead() {
    run(async {
        let served = app("js-missing").await;
        let reply = served.get("/missing").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::line("js-missing", 1).await;
        let errors = events::errors("js-missing");
        let due = "handler failed: ReferenceError: WebSocket is not defined; instead of `WebSocket`: `fetch`, whose body \
                   is a stream (at missing (src/absent.js:";
        assert!(
            errors.len() == 1 && errors[0].starts_with(due),
            "{errors:?}"
        );
    });
}

/// A name, the package that does in plain JavaScript what it is for, and its methods.
const UNKNOWN: [(&str, &str); 12] = [
    ("AES-GCM", "the package @noble/ciphers"),
    ("AES-CBC", "the package @noble/ciphers"),
    ("AES-CTR", "the package @noble/ciphers"),
    ("AES-KW", "the package @noble/ciphers"),
    ("HKDF", "the package @noble/hashes"),
    ("PBKDF2", "the package @noble/hashes"),
    ("ECDH", "the package @noble/curves"),
    ("Ed25519", "the package @noble/curves"),
    ("X25519", "the package @noble/curves"),
    ("RSA-PSS", "the package node-forge"),
    ("RSA-OAEP", "the package node-forge"),
    ("ML-DSA-65", "a package in plain JavaScript"),
];

#[test]
fn what_web_cryptography_does_not_know_is_refused_by_name() {
    run(async {
        let served = app("js-unknown").await;
        for method in ["importKey", "sign", "verify"] {
            let target = format!("/unknown?method={method}");
            let names = UNKNOWN.map(|(name, _)| name);
            let due = UNKNOWN.map(|(name, instead)| {
                format!(
                    "NotSupportedError: crypto.subtle.{method} knows no {name}, but HMAC, RSASSA-PKCS1-v1_5, ECDSA; use \
                     {instead} instead"
                )
            });
            assert_eq!(ask(&served, &target, &names).await, due);
            let names = names.map(|name| json!({ "name": name, "iv": [] }));
            assert_eq!(ask(&served, &target, &names).await, due);
        }
        let all = [
            (
                "digest",
                json!("SHA3-256"),
                "knows no SHA3-256, but SHA-1, SHA-256, SHA-384, SHA-512, MD5; use the package @noble/hashes instead",
            ),
            (
                "importKey",
                json!({ "name": "HMAC", "hash": "SHA-224" }),
                "knows no hash SHA-224, but SHA-1, SHA-256, SHA-384, SHA-512, MD5; use the package @noble/hashes instead",
            ),
            (
                "importKey",
                json!({ "name": "ecdsa", "namedCurve": "secp256k1" }),
                "knows no namedCurve secp256k1, but P-256, P-384, P-521; use the package @noble/curves instead",
            ),
            (
                "importKey",
                json!({ "name": "ECDSA", "namedCurve": "P-256" }),
                "takes no key for ECDSA as raw, but as jwk, pkcs8, spki; bring it as one of these",
            ),
            (
                "sign",
                json!({ "name": "ECDSA", "hash": { "name": "SHA3-256" } }),
                "knows no hash SHA3-256, but SHA-1, SHA-256, SHA-384, SHA-512, MD5; use the package @noble/hashes instead",
            ),
        ];
        for (method, algorithm, due) in all {
            let said = ask(&served, &format!("/unknown?method={method}"), &[algorithm]).await;
            assert_eq!(
                said,
                [format!("NotSupportedError: crypto.subtle.{method} {due}")]
            );
        }
        // What the engine ends a request with, which nobody can catch, or says nothing of.
        for (method, algorithm, due) in [
            (
                "importKey",
                json!("ECDSA"),
                "namedCurve of ECDSA: one of P-256, P-384, P-521",
            ),
            (
                "importKey",
                json!("HMAC"),
                "hash of HMAC: one of SHA-1, SHA-256, SHA-384, SHA-512, MD5",
            ),
            (
                "sign",
                json!("ECDSA"),
                "hash of ECDSA: one of SHA-1, SHA-256, SHA-384, SHA-512, MD5",
            ),
        ] {
            let said = ask(&served, &format!("/unknown?method={method}"), &[algorithm]).await;
            assert_eq!(
                said,
                [format!("TypeError: crypto.subtle.{method} takes the {due}")]
            );
        }
        // What is no algorithm at all is the engine's to refuse, and what it knows is not kept from it.
        let said = ask(
            &served,
            "/unknown?method=digest",
            &[json!(5), json!("sha-256")],
        )
        .await;
        assert!(!said[0].contains("crypto.subtle.digest knows"), "{said:?}");
        assert_eq!(said[1], "[object ArrayBuffer]");
    });
}

/// The types of the language and of the Web that `edgewit types` takes.
#[test]
fn what_the_types_have_is_there() {
    run(async {
        let served = app("js-typed").await;
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../sdk-js-shim/test/guests/app/.edgewit/types/"
        );
        let texts = ["language/es.d.ts", "web.d.ts"]
            .map(|file| std::fs::read_to_string(format!("{folder}{file}")).unwrap());
        let text = texts.concat();
        let lines = text.lines().filter_map(|line| {
            let declared = line
                .strip_prefix("declare var ")
                .or(line.strip_prefix("declare function "))?;
            declared.split(|it: char| !it.is_alphanumeric()).next()
        });
        let names: Vec<_> = lines.map(str::to_owned).collect();
        assert!(names.len() > 100, "{names:?}");
        // By this name those of Node know them; it is `never`.
        assert_eq!(absent(&served, &names).await, ["onmessage"]);
    });
}

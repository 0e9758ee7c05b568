//! What is installed from where: every name and version of a toolchain, in one place.

/// The target of Rust guests: no WASI, no JavaScript.
pub(crate) const RUST_TARGET: &str = "wasm32-unknown-unknown";

/// A compiler and the source of its standard library, from Debian.
pub(crate) const RUST_DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Debian's linker for that compiler, where no `rust-lld` is found: the same major version of LLVM.
pub(crate) const LINKER_DEBIAN: &str = "lld-22";

/// The name under which that linker is called.
pub(crate) const LINKER_DEBIAN_PROGRAM: &str = "wasm-ld-22";

/// A browser, from Debian, and what it is called where it is installed.
pub(crate) const CHROMIUM_DEBIAN: [&str; 1] = ["chromium"];
pub(crate) const CHROMIUM_PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What checks XML against a schema, from Debian.
pub(crate) const XMLLINT_DEBIAN: [&str; 1] = ["libxml2-utils"];

/// What rustc links programs of this machine with, from Debian.
pub(crate) const CC_DEBIAN: [&str; 2] = ["gcc", "libc6-dev"];

/// A client of HTTP/1.1 and HTTP/2, from Debian.
pub(crate) const CURL_DEBIAN: [&str; 1] = ["curl"];

/// Zig, whose compiler builds C guests: its version, and the operating system and architecture for which the sum of
/// PyPI's package is known.
pub(crate) const ZIG_VERSION: &str = "0.17.1";
pub(crate) const ZIG_PLATFORM: (&str, &str) = ("linux", "x86_64");
pub(crate) const ZIG_WHEEL_SHA256: &str =
    "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54";

/// The oldest Node that builds JavaScript, by its major version. The packages that run on it are pinned in
/// `js/package.json`.
pub(crate) const NODE_OLDEST: u32 = 20;

//! Microseconds to bring an instance up, call it and drop it, for applications of several sizes, in one run:
//!
//! ```sh
//! cargo bench -p edgewit-host --bench instance
//! ```
//!
//! Requests are handed to the application in the process, without a socket, one after the other, the sizes in
//! turns. Each application answers alike, and holds that many bytes of data that are not zero, as a language's
//! runtime does; one byte of every MiB is read.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use edgewit_host::{App, Host, Settings};
use edgewit_manifest::Manifest;
use http::Request;
use http_body_util::{BodyExt as _, Empty};

const SIZES_MB: [usize; 4] = [0, 1, 10, 60];
const ROUNDS: usize = 20;
const REQUESTS: u32 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let host = Host::builder().instances(100).build()?;
        let mut apps = Vec::new();
        for megabytes in SIZES_MB {
            apps.push(app(&host, megabytes).await?);
        }
        let mut times = vec![Vec::new(); apps.len()];
        // The first round warms up.
        for round in 0..=ROUNDS {
            for (app, times) in apps.iter().zip(&mut times) {
                let time = ask(app).await?;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        println!("median of {ROUNDS} rounds of {REQUESTS} requests, one thread; beside it the share of the smallest\n");
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        for (megabytes, micros) in SIZES_MB.iter().zip(&medians) {
            println!("{megabytes:>3} MB of data {micros:>9.1} us {:>6.2} x", micros / medians[0]);
        }
        Ok(())
    })
}

/// Microseconds of one request.
async fn ask(app: &App) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    for _ in 0..REQUESTS {
        let request = Request::get("http://localhost/").body(Empty::<Bytes>::new())?;
        let body = app.handle(request).await.into_body().collect().await;
        let body = body.map_err(|_| "a body that was cut")?.to_bytes();
        if body != "up" {
            return Err(format!("an unexpected reply: {body:?}").into());
        }
    }
    let took: Duration = began.elapsed();
    Ok(took.as_secs_f64() * 1e6 / f64::from(REQUESTS))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// An application of that size.
async fn app(host: &Host, megabytes: usize) -> Result<App, Box<dyn Error>> {
    let folder = write(megabytes)?;
    let manifest = Manifest::read(&folder)?;
    let cache = edgewit_build::Cache::from_env()?;
    let built = edgewit_build::build(&cache, &manifest, &Default::default(), &|_| ())?;
    let component = fs::read(built.path)?;
    let name = format!("weight-{megabytes}");
    Ok(host.load(&name, &component, Settings::default()).await?)
}

/// Its source, in the bench's own folder under `target`.
fn write(megabytes: usize) -> Result<PathBuf, Box<dyn Error>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello/rust");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("weight-{megabytes}"));
    fs::create_dir_all(folder.join("src"))?;
    let sdk = example.join("../../../sdk-rust").canonicalize()?;
    let cargo = fs::read_to_string(example.join("Cargo.toml"))?
        .replace("../../../sdk-rust", &sdk.to_string_lossy());
    fs::write(
        folder.join("Cargo.toml"),
        cargo.replace("name = \"hello\"", "name = \"weight\"") + "\n[workspace]\n",
    )?;
    fs::write(
        folder.join("edge.toml"),
        "name = \"weight\"\nlanguage = \"rust\"\n",
    )?;
    let data: Vec<u8> = (0..megabytes << 20)
        .map(|at| (at % 250) as u8 + 1)
        .collect();
    fs::write(folder.join("src/data.bin"), data)?;
    let source = "static DATA: &[u8] = include_bytes!(\"data.bin\");\n\n\
        edgewit::export!(edgewit::App::new().get(\"/\", |c| {\n    \
        let touched = DATA.iter().step_by(1 << 20).fold(0u8, |sum, byte| sum.wrapping_add(*byte));\n    \
        std::hint::black_box(touched);\n    Ok(c.text(\"up\"))\n}));\n";
    fs::write(folder.join("src/lib.rs"), source)?;
    Ok(folder)
}

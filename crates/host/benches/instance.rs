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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use edgewit_host::{App, Hook, Host, Settings};
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
        let steps = Arc::new(Steps::default());
        let host = Host::builder().instances(100).hook(steps.clone());
        let host = host.build()?;
        let mut apps = Vec::new();
        for megabytes in SIZES_MB {
            apps.push(app(&host, megabytes).await?);
        }
        let mut times: Vec<[Vec<f64>; 4]> = apps.iter().map(|_| Default::default()).collect();
        // The first round warms up.
        for round in 0..=ROUNDS {
            for (app, times) in apps.iter().zip(&mut times) {
                let took = ask(app, &steps).await?;
                if round > 0 {
                    times.iter_mut().zip(took).for_each(|(all, one)| all.push(one));
                }
            }
        }
        println!(
            "us a request, median of {ROUNDS} rounds of {REQUESTS} requests, one thread: to bring an instance up, to \
             call it, to drop it, and all that the request took\n"
        );
        println!("{:>3} {:>9} {:>9} {:>9} {:>9}", "MB", "up", "call", "drop", "all");
        for (megabytes, times) in SIZES_MB.iter().zip(&mut times) {
            let [up, call, drop, all] = times.each_mut().map(|times| median(times));
            println!("{megabytes:>3} {up:>9.1} {call:>9.1} {drop:>9.1} {all:>9.1}");
        }
        Ok(())
    })
}

/// When each step of the request under way began, and how long each took of all requests since they were cleared.
#[derive(Default)]
struct Steps(Mutex<(Option<Instant>, Vec<Duration>)>);

impl Steps {
    fn step(&self) {
        let now = Instant::now();
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = steps.0.replace(now);
        steps.1.extend(before.map(|before| now - before));
    }

    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }

    /// How many requests are over.
    fn requests(&self) -> usize {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .len()
            / 3
    }

    /// Microseconds of one request in each of its three steps.
    fn means(&self) -> [f64; 3] {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |step: usize| steps.1.iter().skip(step).step_by(3).sum::<Duration>();
        [0, 1, 2].map(|step| micros(sum(step)) / f64::from(REQUESTS))
    }
}

impl Hook for Steps {
    fn began(&self, _: &str) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.0 = Some(Instant::now());
    }

    fn instantiated(&self, _: &str) {
        self.step();
    }

    fn returned(&self, _: &str) {
        self.step();
    }

    fn ended(&self, _: &str) {
        self.step();
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Microseconds of one request: its three steps, and all.
async fn ask(app: &App, steps: &Steps) -> Result<[f64; 4], Box<dyn Error>> {
    steps.clear();
    let began = Instant::now();
    for asked in 1..=REQUESTS {
        let request = Request::get("http://localhost/").body(Empty::<Bytes>::new())?;
        let body = app.handle(request).await.into_body().collect().await;
        let body = body.map_err(|_| "a body that was cut")?.to_bytes();
        if body != "up" {
            return Err(format!("an unexpected reply: {body:?}").into());
        }
        // One at a time: what comes after the reply is this request's still.
        while steps.requests() < asked as usize {
            tokio::task::yield_now().await;
        }
    }
    let all = micros(began.elapsed()) / f64::from(REQUESTS);
    let [up, call, drop] = steps.means();
    Ok([up, call, drop, all])
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

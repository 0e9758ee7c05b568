//! The conformance suite of `edge:sdk`: it runs cases on component files, and tells what differs from what
//! is due and from each other.
//!
//! ```no_run
//! # async fn example(bytes: &[u8], cache: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! use edgewit_conformance::{Expect, Selection, Subject, Suite, host, run};
//!
//! let (suite, host) = (Suite::embedded()?, host(cache)?);
//! let subject = Subject::new(&host, "mine", bytes, Expect::default()).await?;
//! let cases = suite.select(&Selection::default());
//! let run = run(&host, &[subject], &cases, 4, &|verdict| println!("{}", verdict.case)).await;
//! assert!(run.passed());
//! # Ok(())
//! # }
//! ```

mod case;
mod client;
mod compare;
mod expect;
mod explain;
mod gates;
mod http;
mod inject;
mod judge;
mod ladder;
mod matrix;
mod parse;
mod record;
mod recorder;
pub mod report;
mod run;
mod shapes;
mod show;
mod step;
mod suite;
mod trace;
mod upstream;
mod verdict;
mod wire;
mod wit;
mod words;

pub use case::{Case, Exchange, Fails, Inject, Layer, Level, Relaxation, Reply, Upstream};
pub use compare::Relaxed;
pub use expect::{Drops, Expect, ExpectError, Failure, Prevented, Relax, RelaxedCase};
pub use http::over_http;
pub use ladder::{CONTRACT, LADDER, NoGuest, Row, Rung};
pub use parse::{CaseError, Placed, parse};
pub use step::Step;
pub use suite::{Run, Selection, Subject, Suite, Trace, VERSION, host, run, trace};
pub use verdict::{Status, Verdict};
pub use wit::{WIT, world};

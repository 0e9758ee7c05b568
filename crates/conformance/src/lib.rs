//! The conformance suite of `edge:sdk`: it runs cases on component files, and tells what differs from what
//! is due and from each other.
//!
//! ```no_run
//! # async fn example(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use edgewit_conformance::{Expect, Selection, Subject, Suite, host, run};
//!
//! let (suite, host) = (Suite::embedded()?, host()?);
//! let subject = Subject::new(&host, "mine", bytes, Expect::default()).await?;
//! let cases = suite.select(&Selection::default());
//! let run = run(&host, &[subject], &cases, 4, &|verdict| println!("{}", verdict.case)).await;
//! assert!(run.passed());
//! # Ok(())
//! # }
//! ```

mod case;
mod client;
mod expect;
mod gates;
mod http;
mod ladder;
mod recorder;
pub mod report;
mod run;
mod step;
mod suite;
mod upstream;
mod wire;
mod words;

pub use case::{Case, CaseError, Exchange, Layer, Level, Reply, Upstream, parse};
pub use expect::{Drops, Expect, ExpectError, Failure, Prevented};
pub use http::over_http;
pub use ladder::{CONTRACT, LADDER, Row, Rung};
pub use step::Step;
pub use suite::{Run, Selection, Status, Subject, Suite, VERSION, Verdict, host, run, trace};

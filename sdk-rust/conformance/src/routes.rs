//! Steps on a router of their own.

use edgewit::{Router, http::Method};

use crate::script::{Run, Table, done};
use crate::words::{Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("route.twice", twice),
    // `Next::run` takes it.
    ("route.next-twice", |_, _| Ok(Report::prevented())),
];

fn twice(_: &mut Run, operands: &Operands) -> Outcome {
    let (one, other) = (operands.text(0)?, operands.text(1)?);
    Router::new()
        .route(Some(Method::GET), one, |c| Ok(c.text("one")))?
        .route(Some(Method::GET), other, |c| Ok(c.text("other")))?;
    done()
}

use crate::edge::sdk::system;
use crate::exports::edge::sdk::handler::Reply;
use crate::query::Query;
use crate::text;

/// What each function gives; `len` bytes of randomness.
pub fn run(query: &Query) -> Reply {
    let now = system::now();
    let monotonic = system::monotonic();
    let random = system::random(query.number("len").unwrap_or(0));
    text(format!(
        "now {now}\nmonotonic {monotonic}\nrandom {} {}\n",
        random.len(),
        random.escape_ascii()
    ))
}

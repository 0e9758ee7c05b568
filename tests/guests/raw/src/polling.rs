//! Steps that wait for several things at once.

use crate::edge::sdk::poll::{self, Pollable};
use crate::steps::{Steps, number};

impl Steps<'_> {
    /// Makes a pollable: of `client`, or of a `pending`, `outgoing` or `incoming` by its number.
    pub fn subscribe(&mut self, argument: &str) -> String {
        let (kind, of) = argument.split_once(' ').unwrap_or((argument, ""));
        let of = number(of);
        let pollable = match kind {
            "client" => Some(poll::client_gone()),
            "pending" => self
                .pending
                .get(of)
                .and_then(|it| Some(it.as_ref()?.subscribe())),
            "outgoing" => self
                .outgoing
                .get(of)
                .and_then(|it| Some(it.as_ref()?.subscribe())),
            "incoming" => self
                .incoming
                .get(of)
                .and_then(|it| Some(it.as_ref()?.subscribe())),
            _ => None,
        };
        let Some(pollable) = pollable else {
            return "nothing".to_owned();
        };
        self.pollables.push(pollable);
        format!("pollable {}", self.pollables.len() - 1)
    }

    pub fn ready(&self, number: usize) -> String {
        let pollable = self.pollables.get(number);
        pollable.map_or("nothing".to_owned(), |pollable| {
            pollable.ready().to_string()
        })
    }

    /// Waits for pollables by their numbers, after a comma a timeout in milliseconds: `0 1 2,100`.
    pub fn poll(&self, argument: &str) -> String {
        let (numbers, timeout) = argument.split_once(',').unwrap_or((argument, ""));
        let named = numbers.split_whitespace().map(number);
        let pollables: Vec<&Pollable> = named.filter_map(|n| self.pollables.get(n)).collect();
        format!("{:?}", poll::poll(&pollables, timeout.parse().ok()))
    }

    /// Waits for the first pollable so many times over.
    pub fn poll_many(&self, times: usize) -> String {
        let pollables: Vec<&Pollable> = self.pollables.iter().take(1).cycle().take(times).collect();
        format!("{} ready", poll::poll(&pollables, Some(0)).len())
    }
}

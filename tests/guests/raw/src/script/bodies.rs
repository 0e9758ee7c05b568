//! Steps that read a body.

use crate::edge::sdk::http::{Body, BodyError, Chunk, Field};
use crate::script::words::{self, Failure, Report, Values, Words, body_case};
use crate::script::{Run, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("body.length", length),
    ("body.read", read),
    ("body.read-exactly", read_exactly),
    ("body.read-all", read_all),
    ("body.drain", drain),
    ("body.trailers", trailers),
];

/// A body, and its trailers once the end was read.
pub struct Reading {
    body: Body,
    trailers: Option<Vec<Field>>,
}

impl Reading {
    pub fn new(body: Body) -> Self {
        Self {
            body,
            trailers: None,
        }
    }

    pub fn body(&self) -> &Body {
        &self.body
    }

    /// What was not read yet.
    pub fn into_rest(self) -> Body {
        self.body
    }

    /// The next bytes, `max` of them at most where that is not 0; none at the end, however often.
    pub fn next(&mut self, max: u32) -> Result<Option<Vec<u8>>, BodyError> {
        let ended = match &mut self.body {
            Body::None => Vec::new(),
            Body::Bytes(bytes) if bytes.is_empty() => Vec::new(),
            Body::Bytes(bytes) => {
                let most = if max == 0 { usize::MAX } else { max as usize };
                let rest = bytes.split_off(most.min(bytes.len()));
                return Ok(Some(std::mem::replace(bytes, rest)));
            }
            Body::Incoming(body) => match body.read(max)? {
                Chunk::Bytes(bytes) => return Ok(Some(bytes)),
                Chunk::End(trailers) => trailers,
            },
        };
        self.trailers = Some(ended);
        Ok(None)
    }

    /// All that is left.
    pub fn rest(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next(0)? {
            all.extend(bytes);
        }
        Ok(all)
    }
}

fn length(run: &mut Run, words: &mut Words) -> Report {
    let length = match run.handles.body(words.word()?)?.body() {
        Body::None => Some(0),
        Body::Bytes(bytes) => Some(bytes.len() as u64),
        Body::Incoming(body) => body.length(),
    };
    Ok(Values::default().optional_word(length))
}

fn read(run: &mut Run, words: &mut Words) -> Report {
    let bytes = run.handles.body(words.word()?)?.next(0)?;
    words::optional(bytes)
}

fn read_exactly(run: &mut Run, words: &mut Words) -> Report {
    let name = words.word()?;
    let count: u32 = words.number()?;
    let body = run.handles.body(name)?;
    let mut all = Vec::new();
    while all.len() < count as usize {
        match body.next(count - all.len() as u32)? {
            Some(bytes) => all.extend(bytes),
            None => break,
        }
    }
    words::value(all)
}

fn read_all(run: &mut Run, words: &mut Words) -> Report {
    let bytes = run.handles.body(words.word()?)?.rest()?;
    words::value(bytes)
}

fn drain(run: &mut Run, words: &mut Words) -> Report {
    let body = run.handles.body(words.word()?)?;
    let mut count = 0;
    loop {
        match body.next(0) {
            Ok(Some(bytes)) => count += bytes.len(),
            Ok(None) => return words::word(count),
            Err(error) => return Err(Failure::Case(format!("{} {count}", body_case(&error)))),
        }
    }
}

fn trailers(run: &mut Run, words: &mut Words) -> Report {
    let name = words.word()?;
    match &run.handles.body(name)?.trailers {
        Some(trailers) => Ok(Values::default().fields(trailers.clone())),
        None => words::word("~"),
    }
}

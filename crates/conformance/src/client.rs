//! The client of a case.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::case::Exchange;
use crate::gates::Gates;
use crate::wire::{Message, Wire};
use crate::words;

/// Asks as the case says, and gives the reply, if one was to be read and came. Errors: the client could not
/// do what it is told to.
pub async fn ask(
    address: SocketAddr,
    host: &str,
    exchange: &Exchange,
    gates: &Gates,
) -> Result<Option<Message>, String> {
    let failed = |error: std::io::Error| format!("the client: {error}");
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    let _ = stream.set_nodelay(true);
    let mut wire = Wire::new(stream);
    let whole = ["head".to_owned(), "read".to_owned()];
    let to_head = exchange.request.starts_with("HEAD ");
    for step in exchange.client.as_deref().unwrap_or(&whole) {
        let (verb, operand) = step.split_once(' ').unwrap_or((step, ""));
        let bytes = || {
            words::decode(operand).map_err(|error| format!("the client's step {step:?}: {error}"))
        };
        match verb {
            "head" => wire.send(&head(host, exchange)?).await,
            "send" => wire.send(&bytes()?).await,
            "raw" => wire.send(operand.as_bytes()).await,
            "chunk" => {
                let bytes = bytes()?;
                wire.send(format!("{:x}\r\n", bytes.len()).as_bytes()).await;
                wire.send(&bytes).await;
                wire.send(b"\r\n").await;
            }
            "last" => {
                let trailers = if operand.is_empty() {
                    String::new()
                } else {
                    format!("{operand}\r\n")
                };
                wire.send(format!("0\r\n{trailers}\r\n").as_bytes()).await;
            }
            "until" => {
                let bytes = bytes()?;
                let told = |error| format!("the client's step {step:?}: {error}");
                wire.until(&bytes).await.map_err(told)?;
            }
            "pass" => gates.pass(operand).await,
            "open" => gates.open(operand),
            "half-close" => wire.half_close().await,
            "reset" => {
                wire.reset();
                return Ok(None);
            }
            "close" => return Ok(None),
            "read" => return Ok(wire.reply(to_head).await.ok()),
            _ => {
                return Err(format!(
                    "the client's step {step:?}; head, send, raw, chunk, last, until, pass, open, half-close, reset, close or read is due"
                ));
            }
        }
    }
    Ok(None)
}

/// The head with the script in its fields, and the body if there is one.
fn head(host: &str, exchange: &Exchange) -> Result<Vec<u8>, String> {
    let request = words::expand(&exchange.request).concat();
    let mut text = format!("{request} HTTP/1.1\r\n");
    if !exchange
        .fields
        .iter()
        .any(|field| field.to_ascii_lowercase().starts_with("host:"))
    {
        text += &format!("host: {host}\r\n");
    }
    for field in exchange
        .fields
        .iter()
        .flat_map(|field| words::expand(field))
    {
        text += &format!("{field}\r\n");
    }
    for step in &exchange.steps {
        text += &format!("conformance: {}\r\n", step.line);
    }
    let body = exchange.body.as_deref().map(words::decode).transpose()?;
    if let Some(body) = &body {
        text += &format!("content-length: {}\r\n", body.len());
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend(body.unwrap_or_default());
    Ok(bytes)
}

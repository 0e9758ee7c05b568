//! The servers of a case.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use edgewit_host::Resolver;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::case::Upstream;
use crate::gates::Gates;
use crate::wire::{Message, Wire};
use crate::words;

/// Servers that run until they are dropped.
pub struct Running {
    /// Where each listens, in the order of the case.
    pub addresses: Vec<SocketAddr>,
    saw: Vec<Arc<Mutex<Vec<String>>>>,
    /// The ports that nobody listens at, which nobody else is to be given meanwhile.
    refusing: Vec<TcpSocket>,
    _tasks: JoinSet<()>,
}

/// Fields that the host adds, as it adds them, which a case does not say each time.
const OF_THE_HOST: [(&str, &[u8]); 3] = [
    ("te", b"trailers"),
    ("connection", b"te"),
    ("cdn-loop", b"edgewit"),
];

impl Running {
    /// Starts them.
    pub async fn start(upstreams: &[Upstream], gates: &Arc<Gates>) -> io::Result<Self> {
        let mut running = Self {
            addresses: Vec::new(),
            saw: Vec::new(),
            refusing: Vec::new(),
            _tasks: JoinSet::new(),
        };
        for upstream in upstreams {
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            running.addresses.push(socket.local_addr()?);
            let saw = Arc::default();
            running.saw.push(Arc::clone(&saw));
            if upstream.connections.is_empty() {
                running.refusing.push(socket);
                continue;
            }
            let authority = upstream.origin.split("://").nth(1).unwrap_or_default();
            let script = Script {
                authority: authority.as_bytes().to_vec(),
                connections: upstream.connections.clone(),
                gates: gates.clone(),
                saw,
            };
            running._tasks.spawn(script.serve(socket.listen(1024)?));
        }
        Ok(running)
    }

    /// What the server at `index` has received.
    pub fn saw(&self, index: usize) -> Vec<String> {
        self.saw[index]
            .lock()
            .expect("no panic under the lock")
            .clone()
    }
}

/// The names of a case's servers, and no others.
pub struct Names(pub Vec<(Url, SocketAddr)>);

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        let known = self.0.iter().find(|(origin, _)| {
            origin.host_str() == Some(host) && origin.port_or_known_default() == Some(port)
        });
        let found = known.map(|(_, address)| vec![*address]);
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "no such name");
        Box::pin(async move { found.ok_or_else(unknown) })
    }
}

type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

struct Script {
    /// What `host` must be.
    authority: Vec<u8>,
    connections: Vec<Vec<String>>,
    gates: Arc<Gates>,
    saw: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn serve(self, listener: TcpListener) {
        let script = Arc::new(self);
        let mut connections = JoinSet::new();
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let at = number.min(script.connections.len() - 1);
            let script = script.clone();
            connections.spawn(async move { script.connection(stream, at).await });
        }
    }

    async fn connection(&self, stream: TcpStream, at: usize) {
        let _ = stream.set_nodelay(true);
        let mut wire = Wire::new(stream);
        let mut steps = self.connections[at].iter();
        while let Some(step) = steps.next() {
            let (verb, operand) = step.split_once(' ').unwrap_or((step, ""));
            match verb {
                "request" => {
                    let Ok(head) = wire.head().await else { return };
                    let message = wire.request_body(head).await;
                    self.keep(&message);
                    if !operand.is_empty() {
                        let Some(of_target) = self.of_target(&message) else {
                            return;
                        };
                        steps = of_target[1..].iter();
                    }
                }
                "head" => {
                    let Ok(head) = wire.head().await else { return };
                    self.keep(&Message {
                        head,
                        complete: true,
                        ..Message::default()
                    });
                }
                "until" => {
                    if wire.until(operand.as_bytes()).await.is_err() {
                        return;
                    }
                }
                "send" => wire.send(operand.as_bytes()).await,
                "pattern" => {
                    wire.send(&words::pattern(operand.parse().unwrap_or(0)))
                        .await
                }
                "pass" => self.gates.pass(operand).await,
                "open" => self.gates.open(operand),
                "gone" => wire.gone().await,
                "half-close" => wire.half_close().await,
                "reset" => return wire.reset(),
                // A case with any other is not run.
                _ => return,
            }
        }
    }

    /// The connection whose first request has this target.
    fn of_target(&self, message: &Message) -> Option<&[String]> {
        let target = message.head.start.split(' ').nth(1)?;
        let begins = |steps: &&Vec<String>| {
            let first = steps.first().and_then(|step| step.strip_prefix("request "));
            first == Some(target)
        };
        self.connections.iter().find(begins).map(Vec::as_slice)
    }

    fn keep(&self, message: &Message) {
        let mut saw = self.saw.lock().expect("no panic under the lock");
        saw.push(message.head.start.clone());
        for (name, value) in &message.head.fields {
            let is_added = OF_THE_HOST.contains(&(name.as_str(), value));
            if !is_added && (name != "host" || *value != self.authority) {
                saw.push(format!("{name}: {}", words::report(value)));
            }
        }
        if !message.body.is_empty() || !message.complete {
            let cut = if message.complete { "" } else { " and no end" };
            saw.push(format!("= {}{cut}", words::report(&message.body)));
        }
        for (name, value) in &message.trailers {
            saw.push(format!("+ {name}: {}", words::report(value)));
        }
    }
}

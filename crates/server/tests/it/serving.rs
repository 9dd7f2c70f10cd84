//! Real connections: their limits, and the drain at the end.

use std::{net::SocketAddr, time::Duration};

use ectype_server::{ConnectionLimits, Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::region::Region;

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
pub const GET_AND_CLOSE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
/// Everything takes less, also on a busy machine.
pub const LONG: Duration = Duration::from_secs(20);

pub struct Served {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    _region: Region,
}

async fn served(limits: ConnectionLimits) -> Served {
    served_by(None, limits).await
}

pub async fn served_by(tls: Option<Tls>, limits: ConnectionLimits) -> Served {
    let region = Region::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let router = region.router.clone();
    let ended = tokio::spawn(ectype_server::serve_within(listener, tls, router, shutdown, limits));
    Served { address, stop, ended, _region: region }
}

pub async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

pub async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_answers_and_takes_no_more() {
    let served = served(ConnectionLimits::default()).await;
    let mut idle = send(served.address, GET).await;
    let mut part = [0; 4];
    idle.read_exact(&mut part).await.unwrap();
    assert_eq!(&part, b"HTTP");
    let head = b"POST /identity/token HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
    let mut half = send(served.address, head).await;
    // The server has the second request once it has answered one that came after it.
    rest(&mut send(served.address, GET_AND_CLOSE).await).await;
    served.stop.send(()).unwrap();
    half.write_all(b"a=b").await.unwrap();
    let answer = rest(&mut half).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    tokio::time::timeout(LONG, served.ended).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut() {
    let limits =
        ConnectionLimits { drain_time: Duration::from_millis(1), ..ConnectionLimits::default() };
    let served = served(limits).await;
    let head = b"POST /identity/token HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
    let mut half = send(served.address, head).await;
    rest(&mut send(served.address, GET_AND_CLOSE).await).await;
    served.stop.send(()).unwrap();
    tokio::time::timeout(LONG, served.ended).await.unwrap().unwrap().unwrap();
    let mut bytes = Vec::new();
    assert!(matches!(half.read_to_end(&mut bytes).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_client_that_sends_its_head_too_slowly_is_cut() {
    let limits =
        ConnectionLimits { header_time: Duration::from_millis(50), ..ConnectionLimits::default() };
    let served = served(limits).await;
    let mut slow = send(served.address, b"GET /healthz HTTP/1.1\r\nhost: ").await;
    let mut bytes = Vec::new();
    let cut = tokio::time::timeout(LONG, slow.read_to_end(&mut bytes)).await.unwrap();
    assert!(cut.is_err() || !String::from_utf8_lossy(&bytes).contains("200 OK"));
    let quick = rest(&mut send(served.address, GET_AND_CLOSE).await).await;
    assert!(quick.starts_with("HTTP/1.1 200"), "{quick}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let limits =
        ConnectionLimits { write_time: Duration::from_millis(50), ..ConnectionLimits::default() };
    let served = served(limits).await;
    let mut deaf = TcpStream::connect(served.address).await.unwrap();
    // Answers pile up until nothing more is taken from us, and then the connection ends.
    let flood = async { while deaf.write_all(GET).await.is_ok() {} };
    tokio::time::timeout(LONG, flood).await.unwrap();
    assert!(rest(&mut send(served.address, GET_AND_CLOSE).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_their_turn() {
    let limits = ConnectionLimits { connections_max: 1, ..ConnectionLimits::default() };
    let served = served(limits).await;
    let mut first = send(served.address, GET).await;
    let mut part = [0; 12];
    first.read_exact(&mut part).await.unwrap();
    let mut second = send(served.address, GET_AND_CLOSE).await;
    let mut none = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(100), second.read(&mut none)).await;
    assert!(early.is_err(), "the second connection was answered beside the first");
    drop(first);
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
}

/// A client that writes the body after the head, as IBM's SDKs do, keeps its connection.
#[tokio::test]
async fn a_refused_request_is_read_whole_and_its_connection_is_kept() {
    let served = served(ConnectionLimits::default()).await;
    let head = b"POST /v1/vpcs HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
    let mut stream = send(served.address, head).await;
    // The server has the head once it has answered a request that came after it.
    rest(&mut send(served.address, GET_AND_CLOSE).await).await;
    stream.write_all(b"{ }").await.unwrap();
    stream.write_all(GET_AND_CLOSE).await.unwrap();
    let answers = rest(&mut stream).await;
    assert!(answers.starts_with("HTTP/1.1 401"), "{answers}");
    assert!(answers.contains("HTTP/1.1 200"), "{answers}");
}

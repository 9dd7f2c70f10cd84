//! Real connections: the drain at the end.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::region::Region;

#[tokio::test]
async fn a_stopping_server_finishes_what_it_answers_and_takes_no_more() {
    let region = Region::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(ectype_server::serve(listener, region.router.clone(), async {
        let _ = stopped.await;
    }));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut part = [0; 4];
    idle.read_exact(&mut part).await.unwrap();
    assert_eq!(&part, b"HTTP");
    let mut half = TcpStream::connect(address).await.unwrap();
    let head = b"POST /identity/token HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
    half.write_all(head).await.unwrap();
    // The server has the second request once it has answered one that came after it.
    let mut after = TcpStream::connect(address).await.unwrap();
    after
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    after.read_to_end(&mut Vec::new()).await.unwrap();
    stop.send(()).unwrap();
    half.write_all(b"a=b").await.unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    served.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

//! Servers that say what a test wants, whatever they are asked.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server does with each connection.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Answers with these bytes.
    Says(Vec<u8>),
    /// Reads and says nothing.
    Hangs,
    /// Sends zeroes for ever.
    Floods,
    /// Closes at once.
    Closes,
}

/// An answer by HTTP.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> Manner {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    Manner::Says(format!("{head}{body}").into_bytes())
}

pub(crate) async fn serve(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let manner = manner.clone();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                match manner {
                    Manner::Says(bytes) => {
                        _ = stream.read(&mut request).await;
                        _ = stream.write_all(&bytes).await;
                        _ = stream.shutdown().await;
                    }
                    Manner::Hangs => while stream.read(&mut request).await.is_ok_and(|read| read > 0) {},
                    Manner::Floods => while stream.write_all(&request).await.is_ok() {},
                    Manner::Closes => {}
                }
            });
        }
    });
    address
}

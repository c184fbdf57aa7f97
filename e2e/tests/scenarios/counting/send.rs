//! Sends the mix.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use serin_e2e::http::{self, HttpClient};
use serin_e2e::sample::FAULT_HEADER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::classes::{CLASSES, Class, How};
use crate::support::raw_http::read_answer;
use serin_e2e::draws::Draws;

/// Clients at work at once; each has connections of its own.
const LANES: usize = 48;
/// Users in the mix.
pub(super) const USERS: usize = 5_000;
/// How long a client that will not wait does wait.
const LEAVES_AFTER: Duration = Duration::from_millis(300);

/// Sends the whole mix in random order and waits for every answer.
pub(super) async fn mix(address: SocketAddr, seed: u64) {
    let mut draws = Draws::new(seed);
    let mut requests: Vec<(usize, usize)> = CLASSES
        .iter()
        .enumerate()
        .flat_map(|(class, about)| std::iter::repeat_n(class, about.requests))
        .map(|class| (class, draws.below(USERS)))
        .collect();
    draws.shuffle(&mut requests);
    let requests = Arc::new(requests);
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let requests = Arc::clone(&requests);
        lanes.spawn(async move {
            let client = Lane { address, plain: http::client(), grpc: http::h2c_client() };
            for (class, user) in requests.iter().skip(lane).step_by(LANES) {
                client.send(&CLASSES[*class], *user).await;
            }
        });
    }
    lanes.join_all().await;
}

struct Lane {
    address: SocketAddr,
    plain: HttpClient,
    grpc: HttpClient,
}

impl Lane {
    async fn send(&self, class: &Class, user: usize) {
        let exchange = async {
            match class.how {
                How::Plain => self.ask(&self.plain, class, user, Bytes::new()).await,
                // One empty message.
                How::Grpc => self.ask(&self.grpc, class, user, Bytes::from_static(&[0; 5])).await,
                How::WebSocket => self.echo(class, user).await.unwrap(),
                How::Leave => self.leave(class, user).await.unwrap(),
            }
        };
        tokio::time::timeout(Duration::from_secs(20), exchange)
            .await
            .unwrap_or_else(|_| panic!("a request of class {} was never answered", class.name));
    }

    /// What comes back is judged by Envoy's counters, not here.
    async fn ask(&self, client: &HttpClient, class: &Class, user: usize, body: Bytes) {
        let mut request = Request::get(format!("http://{}{}", self.address, class.path()));
        if class.how == How::Grpc {
            request =
                request.method("POST").header("content-type", "application/grpc").header("te", "trailers");
        }
        if !class.fault.is_empty() {
            request = request.header(FAULT_HEADER, class.fault);
        }
        let request = request.header("x-user-id", format!("user-{user}")).body(Full::new(body)).unwrap();
        if let Ok(answer) = client.request(request).await {
            // An error means that the answer was cut short, as it should in one class.
            let _ = answer.into_body().collect().await;
        }
    }

    async fn echo(&self, class: &Class, user: usize) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: shop\r\nx-user-id: user-{user}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            class.path()
        );
        stream.write_all(head.as_bytes()).await?;
        let answer = read_answer(&mut stream).await?;
        anyhow::ensure!(answer.status == 101, "{answer:?}");
        // A masked text frame "hi" with a mask of zeros, its echo, and a close frame with its echo.
        for (frame, echo) in [
            (&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'][..], &[0x81, 0x02, b'h', b'i'][..]),
            (&[0x88, 0x80, 0, 0, 0, 0], &[0x88, 0x00]),
        ] {
            stream.write_all(frame).await?;
            let mut back = vec![0; echo.len()];
            stream.read_exact(&mut back).await?;
            anyhow::ensure!(back == echo, "{back:?}");
        }
        // The service closes first.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        Ok(())
    }

    async fn leave(&self, class: &Class, user: usize) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: shop\r\nx-user-id: user-{user}\r\n{FAULT_HEADER}: {}\r\n\r\n",
            class.path(),
            class.fault
        );
        stream.write_all(head.as_bytes()).await?;
        tokio::time::sleep(LEAVES_AFTER).await;
        Ok(())
    }
}

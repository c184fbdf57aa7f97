//! Against servers that speak S3: a real one when python3 has `moto`, and some that do not answer as they should.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use super::*;

fn bucket(endpoint: &str, prefix: &str) -> S3 {
    S3 {
        bucket: "artifacts".to_owned(),
        prefix: prefix.to_owned(),
        region: Some("eu-central-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        key: Some(Key { id: "serin".to_owned(), secret: Secret("0123456789abcdef".to_owned()) }),
        allow_http: true,
    }
}

/// A server that is ended when it is dropped.
struct Moto {
    child: Child,
    address: SocketAddr,
}

impl Moto {
    /// `None`: python3 has no `moto`. `SERIN_PYTHON` names another python.
    fn start() -> Option<Self> {
        const PROGRAM: &str = "import sys\n\
            from moto.server import ThreadedMotoServer\n\
            server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n\
            server.start()\n\
            print(*server.get_host_and_port(), flush=True)\n\
            sys.stdin.read()\n";
        let python = std::env::var("SERIN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        let address = line.trim().replace(' ', ":").parse().ok();
        if address.is_none() {
            let _ended = child.wait();
        }
        Some(Self { child, address: address? })
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn request(address: SocketAddr, head: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_what_it_is_given() {
    // What no server is needed for is checked in any case.
    let unused = ArtifactStore::in_s3(&bucket("http://127.0.0.1:9", "serin/main")).unwrap();
    let digest = Digest::of(b"abc");
    assert_eq!(unused.object(&digest), format!("s3://artifacts/serin/main/sha256/ba/{digest}.gz"));
    let Some(server) = Moto::start() else {
        eprintln!("python3 has no moto: the bucket was not tried on a server");
        return;
    };
    assert!(request(server.address, "PUT /artifacts").starts_with("HTTP/1.1 200"));
    let store = ArtifactStore::in_s3(&bucket(&server.endpoint(), "serin/main")).unwrap();
    keeps_what_it_is_given(&store).await;
    let beside = ArtifactStore::in_s3(&bucket(&server.endpoint(), "serin/other")).unwrap();
    keeps_what_it_is_given(&beside).await;
    let missing = S3 { bucket: "nowhere".to_owned(), ..bucket(&server.endpoint(), "") };
    let error =
        ArtifactStore::in_s3(&missing).unwrap().put(Bytes::from_static(b"x")).await.unwrap_err().to_string();
    assert!(error.contains("s3://nowhere"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_answer_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let store =
        ArtifactStore::in_s3(&bucket(&endpoint, "")).unwrap().with_deadline(Duration::from_millis(300));
    let began = std::time::Instant::now();
    let error = store.get(&Digest::of(b"abc")).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Late { .. }), "{error}");
    assert_eq!(error.to_string(), "s3://artifacts did not answer in time");
    assert!(matches!(store.put(Bytes::from_static(b"x")).await, Err(ArtifactError::Late { .. })));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_is_named_with_its_words() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4_096];
            let _request = stream.read(&mut head);
            let body = "<Error><Code>AccessDenied</Code><Message>not yours</Message></Error>";
            let head = format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _answer = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    let store = ArtifactStore::in_s3(&bucket(&endpoint, "")).unwrap();
    let error = store.get(&Digest::of(b"abc")).await.unwrap_err().to_string();
    assert!(error.starts_with("s3://artifacts: ") && error.contains("not yours"), "{error}");
    assert!(!error.contains("0123456789abcdef"), "no secret is told: {error}");
}

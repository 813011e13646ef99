//! FTP over TLS from a server that names its data port in a form of its own.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use swarmcopy_layout::Span;
use swarmcopy_sources::http::Trust;
use swarmcopy_sources::{MemorySink, MirrorOptions, Shape, SpanSink, mirror_at};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::content::{content, name};
use crate::support::permit::permit;

const LEN: usize = 200_000;

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("../http/certificates/leaf.pem"));
    let key = include_bytes!("../http/certificates/leaf.key");
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one session; what came in the clear on a data connection, if anything did.
async fn serve(listener: TcpListener, file: bytes::Bytes) -> std::io::Result<()> {
    let acceptor = acceptor();
    let (mut plain, _) = listener.accept().await?;
    plain.write_all(b"220 ready\r\n").await?;
    let mut asked = [0; 10];
    plain.read_exact(&mut asked).await?;
    assert_eq!(&asked, b"AUTH TLS\r\n");
    plain.write_all(b"234 go on\r\n").await?;
    let mut control = BufReader::new(acceptor.accept(plain).await?);
    let (mut from, mut data) = (0, None);
    loop {
        let mut line = String::new();
        if control.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (verb, rest) = line
            .trim_end()
            .split_once(' ')
            .unwrap_or((line.trim_end(), ""));
        let reply = match verb {
            "USER" => "331 password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "SIZE" => format!("213 {}", file.len()),
            "REST" => {
                from = rest.parse().unwrap();
                "350 go on".to_owned()
            }
            "PASV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let [high, low] = listener.local_addr()?.port().to_be_bytes();
                data = Some(listener);
                format!("227 =127,0,0,1,{high},{low}")
            }
            "RETR" => {
                control.write_all(b"150 it comes\r\n").await?;
                send(&acceptor, data.take().unwrap(), &file[from..]).await?;
                "226 done".to_owned()
            }
            _ => "200 ok".to_owned(),
        };
        control.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// Sends a file on a connection that must be sealed.
async fn send(acceptor: &TlsAcceptor, data: TcpListener, bytes: &[u8]) -> std::io::Result<()> {
    let (data, _): (TcpStream, _) = data.accept().await?;
    let mut data = acceptor.accept(data).await?;
    // the client may have enough before the end
    let _ = data.write_all(bytes).await;
    let _ = data.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn an_odd_reply_to_pasv_is_understood_under_tls_and_the_data_is_sealed() {
    let content = content(64 * 1024, &[("f.bin", LEN)]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "ftps://localhost:{}/f.bin",
        listener.local_addr().unwrap().port()
    );
    let serving = tokio::spawn(serve(listener, content.bytes.clone()));
    let mut options = MirrorOptions::default();
    options.trust = Trust::with_roots(include_bytes!("../http/certificates/ca.pem")).unwrap();
    let layout = Arc::clone(&content.layout);
    let mirror = mirror_at(&url, &name("f.bin"), Shape::File, layout, options)
        .await
        .unwrap();
    let (permit, _scheduler) = permit(&content.layout);
    let source = mirror.open(permit).await.unwrap();
    let sink = Arc::new(MemorySink::new(LEN, content.layout.piece_len()));
    let part = Span::new(70_000, 130_000);
    source
        .fetch(part, &SpanSink::new(sink.clone()))
        .await
        .unwrap();
    assert_eq!(sink.to_vec()[70_000..], content.bytes[70_000..]);
    serving.abort();
}

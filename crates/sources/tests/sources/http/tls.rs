//! Mirrors behind TLS: whom they trust, and how they are reached through a proxy.
//!
//! The certificates beside this file are for `localhost` and tests alone; their authority's key is thrown away.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use swarmcopy_sources::http::Trust;
use swarmcopy_sources::{Blame, MemorySink, MirrorOptions, Shape, SpanSink};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::rig::{FILE_LEN, PART, one_file, opened, options};
use crate::support::server::Reply;

const AUTHORITY: &[u8] = include_bytes!("certificates/ca.pem");

/// A TLS server that sends `PART` of the file to whoever asks; its port.
async fn server(file: bytes::Bytes) -> u16 {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("certificates/leaf.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("certificates/leaf.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut stream = BufReader::new(stream);
            head(&mut stream).await;
            let (from, to) = (70_000, 170_000);
            let reply = Reply::partial(&file[from..to], from, to, file.len());
            stream.write_all(&reply.bytes).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    port
}

/// Reads a request up to its empty line; its first line.
async fn head(stream: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> String {
    let mut first = String::new();
    stream.read_line(&mut first).await.unwrap();
    let mut line = first.clone();
    while !line.trim().is_empty() {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
    }
    first
}

/// Fetches `PART` from the server at `port`; how that ended and whether the bytes are right.
async fn fetched(port: u16, options: MirrorOptions) -> Result<bool, Blame> {
    let content = one_file();
    let url = format!("https://localhost:{port}/f.bin");
    let (source, _scheduler) = opened(&content, Shape::File, &url, options).await;
    let sink = Arc::new(MemorySink::new(FILE_LEN, content.layout.piece_len()));
    let end = source.fetch(PART, &SpanSink::new(sink.clone())).await;
    end.map_err(|error| error.blame())?;
    Ok(sink.to_vec()[70_000..170_000] == content.bytes[70_000..170_000])
}

fn trusting() -> MirrorOptions {
    let mut options = options();
    options.trust = Trust::with_roots(AUTHORITY).unwrap();
    options
}

#[tokio::test]
async fn an_added_authority_is_trusted() {
    let port = server(one_file().bytes).await;
    assert_eq!(fetched(port, trusting()).await, Ok(true));
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let port = server(one_file().bytes).await;
    assert_eq!(fetched(port, options()).await, Err(Blame::Broken));
}

#[tokio::test]
async fn tls_goes_through_a_proxy_as_a_tunnel() {
    let port = server(one_file().bytes).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = trusting();
    options.proxy = Some(format!("http://{}", proxy.local_addr().unwrap()));
    let tunnel = tokio::spawn(async move {
        let (client, _) = proxy.accept().await.unwrap();
        let mut client = BufReader::new(client);
        let request = head(&mut client).await;
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client
            .write_all(b"HTTP/1.1 200 Connected\r\n\r\n")
            .await
            .unwrap();
        // ends when either side goes away
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        request
    });
    assert_eq!(fetched(port, options).await, Ok(true));
    let request = tunnel.await.unwrap();
    assert!(
        request.starts_with(&format!("CONNECT localhost:{port} ")),
        "{request}"
    );
}

#[tokio::test]
async fn the_servers_own_certificate_is_trusted_when_it_is_added() {
    let port = server(one_file().bytes).await;
    let mut options = options();
    options.trust = Trust::with_roots(include_bytes!("certificates/leaf.pem")).unwrap();
    assert_eq!(fetched(port, options).await, Ok(true));
}

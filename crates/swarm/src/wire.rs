//! A connection, and the cipher that it may be in.
//!
//! What must stay true: bytes go through a cipher once and in order, whoever reads or writes them.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

#[cfg(feature = "encryption")]
pub(crate) use crate::cipher::Cipher;
#[cfg(not(feature = "encryption"))]
pub(crate) use crate::no_cipher::Cipher;

/// The ciphers of both directions.
#[derive(Debug)]
pub(crate) struct Ciphers {
    pub(crate) read: Cipher,
    pub(crate) write: Cipher,
}

/// A connection whose first words are being said.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    ciphers: Option<Box<Ciphers>>,
    /// Bytes that were read along, in the clear.
    ahead: BytesMut,
}

/// The reading half of a connection.
#[derive(Debug)]
pub(crate) struct WireRead {
    pub(crate) half: OwnedReadHalf,
    pub(crate) cipher: Option<Cipher>,
    pub(crate) ahead: BytesMut,
}

/// The writing half of a connection.
#[derive(Debug)]
pub(crate) struct WireWrite {
    pub(crate) half: OwnedWriteHalf,
    pub(crate) cipher: Option<Cipher>,
}

impl From<TcpStream> for Wire {
    fn from(stream: TcpStream) -> Self {
        Self {
            stream,
            ciphers: None,
            ahead: BytesMut::new(),
        }
    }
}

impl Wire {
    /// The same in these ciphers, if any, with bytes that were read along.
    pub(crate) fn with(stream: TcpStream, ciphers: Option<Ciphers>, ahead: BytesMut) -> Self {
        Self {
            stream,
            ciphers: ciphers.map(Box::new),
            ahead,
        }
    }

    /// The connection itself.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The connection, unless it is in a cipher.
    pub(crate) fn into_plain(self) -> Option<TcpStream> {
        (self.ciphers.is_none() && self.ahead.is_empty()).then_some(self.stream)
    }

    /// Both halves.
    pub(crate) fn into_split(self) -> (WireRead, WireWrite) {
        let (read, write) = self.stream.into_split();
        let (reading, writing) = match self.ciphers {
            Some(ciphers) => (Some(ciphers.read), Some(ciphers.write)),
            None => (None, None),
        };
        let read = WireRead {
            half: read,
            cipher: reading,
            ahead: self.ahead,
        };
        let write = WireWrite {
            half: write,
            cipher: writing,
        };
        (read, write)
    }

    /// Fills `bytes`. Once dropped at an await, the connection is of no use any more.
    pub(crate) async fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let known = self.ahead.len().min(bytes.len());
        let known = self.ahead.split_to(known);
        let (first, rest) = bytes.split_at_mut(known.len());
        first.copy_from_slice(&known);
        self.stream.read_exact(rest).await?;
        if let Some(ciphers) = &mut self.ciphers {
            ciphers.read.apply(rest);
        }
        Ok(())
    }

    /// Adds what comes next to `buffer`; 0 at the end. May be dropped at any await.
    pub(crate) async fn read_buf(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        let start = buffer.len();
        if !self.ahead.is_empty() {
            buffer.extend_from_slice(&self.ahead.split());
            return Ok(buffer.len().saturating_sub(start));
        }
        let bytes = self.stream.read_buf(buffer).await?;
        if let (Some(ciphers), Some(new)) = (&mut self.ciphers, buffer.get_mut(start..)) {
            ciphers.read.apply(new);
        }
        Ok(bytes)
    }

    /// Writes all of `bytes`. Once dropped at an await, the connection is of no use any more.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.ciphers {
            Some(ciphers) => {
                let mut sealed = bytes.to_vec();
                ciphers.write.apply(&mut sealed);
                self.stream.write_all(&sealed).await
            }
            None => self.stream.write_all(bytes).await,
        }
    }
}

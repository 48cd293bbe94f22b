//! A channel as the blocking reader and writer that gix wants, bounded and interruptible.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use russh::client::{Handle, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

use crate::error::RemoteError;
use crate::http::Budget;
use crate::session::Session;

use super::client::Client;

/// Bytes of what the server complains that get into a message.
const MAX_COMPLAINT: usize = 1024;
/// The extended data that is the standard error.
const STANDARD_ERROR: u32 = 1;

/// What hosts say in many words for "repository not found".
///
/// Source: go-git v5.19 `plumbing/transport/internal/common/common.go`.
const NOT_FOUND: [&str; 7] = [
    "Repository not found.",
    "repository does not exist.",
    "does not appear to be a git repository",
    "no such repository",
    "access denied",
    "Repository does not exist or you do not have access",
    "The project you were looking for could not be found",
];

/// What the server sends.
pub(super) struct Channel {
    /// The connection ends with its handle.
    _connection: Handle<Client>,
    messages: ChannelReadHalf,
    session: Session,
    budget: Budget,
    chunk: Bytes,
    complaint: Vec<u8>,
    received: bool,
    over: bool,
}

impl Channel {
    pub(super) fn new(
        connection: Handle<Client>,
        messages: ChannelReadHalf,
        session: Session,
        budget: Budget,
    ) -> Self {
        Self {
            _connection: connection,
            messages,
            session,
            budget,
            chunk: Bytes::new(),
            complaint: Vec::new(),
            received: false,
            over: false,
        }
    }

    /// The next data; nothing at the end.
    fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        loop {
            let message = self.session.wait(self.messages.wait());
            match message.map_err(RemoteError::Stopped)? {
                Some(ChannelMsg::Data { data }) if !data.is_empty() => {
                    self.budget.take(data.len() as u64)?;
                    self.received = true;
                    return Ok(Some(data));
                }
                Some(ChannelMsg::ExtendedData { data, ext }) if ext == STANDARD_ERROR => {
                    let room = MAX_COMPLAINT.saturating_sub(self.complaint.len());
                    self.complaint.extend(data.iter().take(room));
                }
                Some(ChannelMsg::Failure) => {
                    return Err(RemoteError::Protocol("ssh: command failed".to_owned()));
                }
                // After its end of file a server may still say why.
                Some(ChannelMsg::Close) | None => return self.ended(),
                Some(_) => {}
            }
        }
    }

    fn ended(&mut self) -> Result<Option<Bytes>, RemoteError> {
        if self.received {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&self.complaint);
        let line = text.lines().find(|line| !line.trim().is_empty());
        Err(RemoteError::Protocol(match line {
            None => "unexpected EOF".to_owned(),
            Some(line) if NOT_FOUND.iter().any(|said| line.contains(said)) => {
                "repository not found".to_owned()
            }
            Some(line) => format!("unknown error: {}", line.trim()),
        }))
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && !self.over {
            match self.next() {
                Ok(Some(chunk)) => self.chunk = chunk,
                Ok(None) => self.over = true,
                Err(error) => {
                    self.over = true;
                    return Err(self.budget.failure().put(error));
                }
            }
        }
        let length = self.chunk.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.chunk[..length]);
        self.chunk.advance(length);
        Ok(length)
    }
}

/// What the server is sent.
pub(super) struct Input {
    channel: ChannelWriteHalf<Msg>,
    session: Session,
}

impl Input {
    pub(super) fn new(channel: ChannelWriteHalf<Msg>, session: Session) -> Self {
        Self { channel, session }
    }
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.session.wait(self.channel.data(bytes));
        sent.map_err(io::Error::other)?.map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! A name server of one's own, for processes that are told to ask it.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::layout;

/// What it answers for every name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// 127.0.0.1.
    Four,
    /// ::1, and nothing else.
    Six,
    /// There is no such name.
    None,
    /// The server fails.
    Failure,
    /// It says nothing.
    Silence,
}

/// Types of records.
const A: u16 = 1;
const AAAA: u16 = 28;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct NameServer {
    names: Arc<Mutex<Option<Names>>>,
    folder: TempDir,
}

impl NameServer {
    /// Starts one on the usual port of an address of this process's own.
    ///
    /// # Errors
    /// If this process may not have that port.
    pub fn start() -> Result<Self> {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 77, high, low);
        let socket = UdpSocket::bind((address, 53));
        let socket = socket.context("a name server needs the right to port 53")?;
        // It looks for its end now and then.
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let folder = layout::scratch("name-server")?;
        let text = format!("nameserver {address}\n");
        std::fs::write(folder.path().join("resolv.conf"), text)?;
        let names = Arc::new(Mutex::new(Some(Names::Four)));
        let shared = Arc::clone(&names);
        thread::spawn(move || serve(&socket, &shared));
        Ok(Self { names, folder })
    }

    /// From now on it answers so.
    pub fn answer(&self, names: Names) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
    }

    /// What takes the place of `/etc/resolv.conf`.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("resolv.conf")
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn serve(socket: &UdpSocket, names: &Mutex<Option<Names>>) {
    let mut buffer = [0; 1500];
    loop {
        let received = socket.recv_from(&mut buffer);
        let held = *names.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held else {
            return;
        };
        // Without a question the time was over.
        let Ok((length, from)) = received else {
            continue;
        };
        if let Some(reply) = reply(&buffer[..length], held) {
            // Who asked may be gone.
            let _ = socket.send_to(&reply, from);
        }
    }
}

/// The answer to a message with one question.
fn reply(asked: &[u8], names: Names) -> Option<Vec<u8>> {
    let mut end = 12;
    while *asked.get(end)? != 0 {
        end += usize::from(asked[end]) + 1;
    }
    let question = asked.get(12..end + 5)?;
    let kind = u16::from_be_bytes([asked[end + 1], asked[end + 2]]);
    let (code, record): (u8, Option<Vec<u8>>) = match (names, kind) {
        (Names::Silence, _) => return None,
        (Names::Failure, _) => (2, None),
        (Names::None, _) => (3, None),
        (Names::Four, A) => (0, Some(vec![127, 0, 0, 1])),
        (Names::Six, AAAA) => {
            let mut loopback = vec![0; 16];
            loopback[15] = 1;
            (0, Some(loopback))
        }
        _ => (0, None),
    };
    let mut reply = asked[..2].to_vec();
    reply.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::from(record.is_some()),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(question);
    if let Some(record) = record {
        // The name of the question, the class of the internet, and no time to keep it.
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(record.len()).ok()?]);
        reply.extend(record);
    }
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_address_that_is_told() {
        let mut asked = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        asked.extend(b"\x03git\x07example\x00\x00\x01\x00\x01");
        let four = reply(&asked, Names::Four).expect("an answer");
        assert_eq!(four[..4], [7, 9, 0x81, 0x80]);
        assert!(four.ends_with(&[0, 4, 127, 0, 0, 1]));
        let none = reply(&asked, Names::Six).expect("an answer");
        assert_eq!(none.len(), asked.len());
        assert_eq!(reply(&asked, Names::None).expect("an answer")[3], 0x83);
        assert_eq!(reply(&asked, Names::Silence), None);
        assert_eq!(reply(&asked[..14], Names::Four), None);
    }
}

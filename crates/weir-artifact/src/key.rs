//! A secret that the artifact server shares with its consumers. Requests are signed with it; it itself is never sent,
//! neither to the server nor to whoever an object's status names as one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;

use crate::digest::hex;

/// What an `Authorization` header of ours begins with.
pub(crate) const SCHEME: &str = "Weir-HMAC-SHA256";
/// How far the clocks of server and consumer may be apart.
const WINDOW: Duration = Duration::from_secs(300);
/// Fewer bytes could be guessed.
const LEAST: usize = 32;
/// More are no key.
const MOST: u64 = 4096;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("unable to read the artifact key from '{path}'")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is too short or too long.
    #[error("the artifact key in '{0}' must have 32 to 4096 bytes")]
    Size(String),
}

/// The secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ArtifactKey(Vec<u8>);

impl fmt::Debug for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArtifactKey")
    }
}

impl ArtifactKey {
    /// The bytes of a file, without white space at their end.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let shown = || path.display().to_string();
        let failed = |source| KeyError::Read {
            path: shown(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MOST + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let long = bytes.len() as u64 > MOST;
        let bytes = bytes.trim_ascii_end().to_vec();
        if long || bytes.len() < LEAST {
            return Err(KeyError::Size(shown()));
        }
        Ok(Self(bytes))
    }

    /// The `Authorization` header of a request for `path` to the server that artifact URLs name as `authority`.
    pub(crate) fn sign(&self, authority: &str, path: &str, at: SystemTime) -> String {
        let at = seconds(at);
        let tag = self.mac(authority, path, at).finalize().into_bytes();
        format!("{SCHEME} t={at},mac={}", hex(&tag))
    }

    /// Whether a header was signed for this server and path, not long before or after `now`.
    pub(crate) fn admits(
        &self,
        header: Option<&str>,
        authority: &str,
        path: &str,
        now: SystemTime,
    ) -> bool {
        let read = |header: &str| {
            let rest = header.strip_prefix(SCHEME)?.strip_prefix(" t=")?;
            let (at, tag) = rest.split_once(",mac=")?;
            Some((at.parse::<u64>().ok()?, unhex(tag)?))
        };
        let Some((at, tag)) = header.and_then(read) else {
            return false;
        };
        let fresh = at.abs_diff(seconds(now)) <= WINDOW.as_secs();
        // In constant time, and whatever the clock says.
        let signed = self.mac(authority, path, at).verify_slice(&tag).is_ok();
        fresh && signed
    }

    /// What is signed names the server: who is given a signature for their own host can use it nowhere else.
    fn mac(&self, authority: &str, path: &str, at: u64) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // None of the parts holds a line feed.
        mac.update(format!("{authority}\n{path}\n{at}").as_bytes());
        mac
    }
}

/// The server that a URL names, with its port.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}")
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORITY: &str = "source:80";
    const PATH: &str = "/gitrepository/ns/app/a.tar.gz";

    fn key(byte: u8) -> ArtifactKey {
        ArtifactKey(vec![byte; LEAST])
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_signature_is_good_for_its_server_path_and_time_only() {
        let header = key(1).sign(AUTHORITY, PATH, at(1000));
        let admits = |key: &ArtifactKey, header: &str, authority, path, now| {
            key.admits(Some(header), authority, path, at(now))
        };
        for now in [700, 1000, 1300] {
            assert!(admits(&key(1), &header, AUTHORITY, PATH, now), "{now}");
        }
        for now in [0, 699, 1301, u64::from(u32::MAX)] {
            assert!(!admits(&key(1), &header, AUTHORITY, PATH, now), "{now}");
        }
        assert!(!admits(&key(2), &header, AUTHORITY, PATH, 1000));
        assert!(!admits(&key(1), &header, "other:80", PATH, 1000));
        assert!(!admits(
            &key(1),
            &header,
            AUTHORITY,
            "/gitrepository/x",
            1000
        ));
        let later = header.replace("t=1000", "t=1001");
        assert!(!admits(&key(1), &later, AUTHORITY, PATH, 1000));
        assert!(!key(1).admits(None, AUTHORITY, PATH, at(1000)));
    }

    #[test]
    fn what_is_no_signature_admits_nobody() {
        let good = key(1).sign(AUTHORITY, PATH, at(1000));
        let tag = good.split("mac=").nth(1).expect("has one").to_owned();
        for header in [
            String::new(),
            SCHEME.to_owned(),
            format!("{SCHEME} t=,mac={tag}"),
            format!("{SCHEME} t=-1,mac={tag}"),
            format!("{SCHEME} t=99999999999999999999,mac={tag}"),
            format!("{SCHEME} t=1000,mac="),
            format!("{SCHEME} t=1000,mac={}", &tag[2..]),
            format!("{SCHEME} t=1000,mac={tag}00"),
            format!("{SCHEME} t=1000,mac={}", "z".repeat(64)),
            format!("{SCHEME} t=1000,mac={}", "\u{e9}".repeat(64)),
            format!("Bearer {tag}"),
        ] {
            let admitted = key(1).admits(Some(&header), AUTHORITY, PATH, at(1000));
            assert!(!admitted, "{header}");
        }
    }

    #[test]
    fn a_file_is_a_key_if_it_is_long_enough() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("key");
        let read = |contents: &[u8]| {
            std::fs::write(&path, contents).expect("writes");
            ArtifactKey::read(&path)
        };
        assert_eq!(
            read(&[b'k'; 32]).expect("is one"),
            ArtifactKey(vec![b'k'; 32])
        );
        let ended = [[b'k'; 32].as_slice(), b" \r\n"].concat();
        assert_eq!(read(&ended).expect("is one"), ArtifactKey(vec![b'k'; 32]));
        for contents in [&b""[..], &[b'k'; 31], &[b'\n'; 40], &[b'k'; 4097]] {
            let error = read(contents).expect_err("is none");
            assert!(matches!(error, KeyError::Size(_)), "{error}");
        }
        let missing = ArtifactKey::read(&folder.path().join("none"));
        assert!(matches!(missing, Err(KeyError::Read { .. })));
        assert_eq!(format!("{:?}", key(7)), "ArtifactKey");
    }
}

//! A server of one file, such as an artifact that somebody else offers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use http::StatusCode;

use crate::CertificateFlaw;
use crate::http_server::{self, Server};
use crate::pki::{self, Authority};

/// A running server. Dropping it closes the port.
#[derive(Debug)]
pub struct FileServer {
    server: Server,
    ca: String,
    file: Arc<Mutex<Vec<u8>>>,
    requests: Arc<AtomicUsize>,
}

impl FileServer {
    /// Serves nothing yet, over HTTPS; with this flaw, if any, in its certificate.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start_tls(flaw: Option<CertificateFlaw>) -> Result<Self> {
        let (ca, identity) = match flaw {
            Some(flaw) => pki::flawed(flaw)?,
            None => {
                let authority = Authority::new("file server")?;
                (authority.pem().to_owned(), authority.server()?)
            }
        };
        let file = Arc::new(Mutex::new(Vec::new()));
        let served = Arc::clone(&file);
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let server = Server::start(Some(&identity), move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            let whole = served.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = http_server::text(StatusCode::OK, whole.clone());
            async move { Ok(answer) }
        })?;
        Ok(Self {
            server,
            ca,
            file,
            requests,
        })
    }

    /// What is served from now on, under whatever name.
    pub fn put(&self, file: Vec<u8>) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    /// `https://127.0.0.1:PORT/file.tar.gz`.
    pub fn url(&self) -> String {
        format!("{}/file.tar.gz", self.server.url())
    }

    /// The authority to trust, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

//! `/metrics` on one address, `/healthz` and `/readyz` on another.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::metrics::{CONTENT_TYPE, Metrics};

/// Liveness fails when no watch has heard from the API server for so long.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Why a server cannot start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be read.
    #[error("invalid address '{0}'")]
    ParseAddress(String),
    /// The port cannot be had.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Binds an address as Go writes it: `:8080` is every interface, `0` or nothing is off.
///
/// # Errors
/// If the address cannot be read or the port cannot be had.
pub async fn listen(address: &str) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = parse(address)? else {
        return Ok(None);
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(source) => Err(ServeError::Listen { address, source }),
    }
}

fn parse(address: &str) -> Result<Option<SocketAddr>, ServeError> {
    if address.is_empty() || address == "0" {
        return Ok(None);
    }
    let invalid = || ServeError::ParseAddress(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(invalid)?;
    let port: u16 = port.parse().map_err(|_| invalid())?;
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.parse().map_err(|_| invalid())?,
    };
    Ok(Some(SocketAddr::new(host, port)))
}

/// Serves `/metrics` until `stop`.
pub async fn serve_metrics(listener: TcpListener, metrics: Metrics, stop: CancellationToken) {
    let router = Router::new()
        .route("/metrics", get(metrics_text))
        .with_state(metrics);
    serve(listener, router, stop).await;
}

/// Serves `/healthz` and `/readyz` until `stop`.
pub async fn serve_health(listener: TcpListener, hub: Hub, stop: CancellationToken) {
    let ready = || async { (StatusCode::OK, "ok") };
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/healthz/", get(healthz))
        .route("/readyz", get(ready))
        .route("/readyz/", get(ready))
        .with_state(Arc::new(hub));
    serve(listener, router, stop).await;
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(logger = "http", error = %error, "server failed");
    }
}

async fn metrics_text(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.text())
}

async fn healthz(State(hub): State<Arc<Hub>>) -> impl IntoResponse {
    match hub.silence() {
        Some(silence) if silence > LONGEST_SILENCE => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "no watch has progressed for ten minutes",
        ),
        _ => (StatusCode::OK, "ok"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_in_go() {
        let parsed = |text| {
            parse(text)
                .map(|address| address.map(|address| address.to_string()))
                .ok()
        };
        assert_eq!(parsed(":8080"), Some(Some("0.0.0.0:8080".into())));
        assert_eq!(parsed("127.0.0.1:0"), Some(Some("127.0.0.1:0".into())));
        assert_eq!(
            parsed("localhost:9440"),
            Some(Some("127.0.0.1:9440".into()))
        );
        assert_eq!(parsed("[::1]:80"), Some(Some("[::1]:80".into())));
        assert_eq!(parsed("0"), Some(None));
        assert_eq!(parsed(""), Some(None));
        assert_eq!(parsed("8080"), None);
        assert_eq!(parsed(":http"), None);
    }
}

//! TCP connections: name resolution, the addresses that are never dialled, SOCKS5 proxies.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::remote::Proxy;

/// A block of addresses such as `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid CIDR address: {0}")]
pub struct CidrError(String);

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let error = || CidrError(text.to_owned());
        let (address, bits) = text.split_once('/').ok_or_else(error)?;
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= most);
        bits.map(|bits| Self { address, bits }).ok_or_else(error)
    }
}

impl Cidr {
    fn contains(&self, address: IpAddr) -> bool {
        let prefix = |value: u128, width: u8| match width - self.bits {
            128 => 0,
            shift => value >> shift,
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let value = |address: Ipv4Addr| prefix(u128::from(u32::from(address)), 32);
                value(own) == value(other)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                prefix(own.into(), 128) == prefix(other.into(), 128)
            }
            _ => false,
        }
    }
}

/// Turns a name into addresses.
type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// How connections are made.
#[derive(Clone, Default)]
pub struct Network {
    deny: Arc<[Cidr]>,
    lookup: Option<Arc<Lookup>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("deny", &self.deny)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// A network of which these blocks are never dialled, whatever name leads there.
    #[must_use]
    pub fn denying(deny: &[Cidr]) -> Self {
        Self {
            deny: deny.into(),
            lookup: None,
        }
    }

    /// Resolves names by `lookup` instead of the system's resolver.
    #[must_use]
    pub fn with_lookup(
        mut self,
        lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.lookup = Some(Arc::new(lookup));
        self
    }

    /// Whether nothing is denied and the system resolves.
    pub(crate) fn is_plain(&self) -> bool {
        self.deny.is_empty() && self.lookup.is_none()
    }

    /// Fails for an address that is denied, however it is written.
    pub(crate) fn admit(&self, address: IpAddr) -> io::Result<()> {
        let address = canonical(address);
        if self.deny.iter().any(|block| block.contains(address)) {
            return Err(denied());
        }
        Ok(())
    }

    /// The addresses of a host that may be dialled. What is dialled is what was judged: there is no second
    /// lookup in which a name could mean something else.
    ///
    /// # Errors
    /// If there is no such host, or all of its addresses are denied.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let found: Vec<SocketAddr> = match (literal, &self.lookup) {
            (Ok(address), _) => vec![SocketAddr::new(address, port)],
            (Err(_), Some(lookup)) => {
                let found = lookup(host)?;
                found
                    .into_iter()
                    .map(|ip| SocketAddr::new(ip, port))
                    .collect()
            }
            (Err(_), None) => tokio::net::lookup_host((host, port)).await?.collect(),
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such host"));
        }
        let admitted: Vec<_> = found
            .into_iter()
            .filter(|address| self.admit(address.ip()).is_ok())
            .collect();
        if admitted.is_empty() {
            return Err(denied());
        }
        Ok(admitted)
    }

    /// A connection to `host`, in Go's words if there is none.
    pub(crate) async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let addresses = self.resolve(host, port).await;
        let addresses = addresses.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => format!("dial tcp {host}:{port}: {error}"),
            _ => format!("dial tcp: lookup {host}: no such host"),
        })?;
        let mut last = String::new();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true).ok();
                    return Ok(stream);
                }
                Err(error) => last = format!("dial tcp {address}: connect: {}", said(&error)),
            }
        }
        Err(last)
    }

    /// The same through a proxy that speaks SOCKS5; the proxy resolves the name.
    pub(crate) async fn dial_through(
        &self,
        proxy: &Proxy,
        host: &str,
        port: u16,
    ) -> Result<TcpStream, String> {
        let url = Url::parse(&proxy.address).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "socks5" | "socks5h") {
            return Err(format!("proxy: unknown scheme: {}", url.scheme()));
        }
        if let Ok(address) = host.parse() {
            self.admit(address).map_err(|error| error.to_string())?;
        }
        let through = url.host_str().unwrap_or_default();
        let mut stream = self.dial(through, url.port().unwrap_or(1080)).await?;
        let login = proxy.login();
        let login = login
            .as_ref()
            .map(|(user, password)| (user.as_str(), password.as_str()));
        socks5(&mut stream, login, host, port)
            .await
            .map_err(|error| format!("socks connect tcp {through}->{host}:{port}: {error}"))?;
        Ok(stream)
    }
}

fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn denied() -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the address is denied by --deny-cidr",
    )
}

/// A system's error as Go prints it.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// RFC 1928 with RFC 1929's login.
async fn socks5(
    stream: &mut TcpStream,
    login: Option<(&str, &str)>,
    host: &str,
    port: u16,
) -> io::Result<()> {
    let short =
        |text: &str| u8::try_from(text.len()).map_err(|_| io::Error::other("name too long"));
    stream
        .write_all(if login.is_some() {
            &[5, 2, 0, 2]
        } else {
            &[5, 1, 0]
        })
        .await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match (answer, login) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let mut request = vec![1, short(user)?];
            request.extend_from_slice(user.as_bytes());
            request.push(short(password)?);
            request.extend_from_slice(password.as_bytes());
            stream.write_all(&request).await?;
            stream.read_exact(&mut answer).await?;
            if answer[1] != 0 {
                return Err(io::Error::other("username/password authentication failed"));
            }
        }
        _ => return Err(io::Error::other("no acceptable authentication methods")),
    }
    let mut request = vec![5, 1, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            request.extend_from_slice(&[3, short(host)?]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    if head[1] != 0 {
        return Err(io::Error::other(format!("the proxy answers {}", head[1])));
    }
    let rest = match head[3] {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(io::Error::other("unknown address type")),
    };
    let mut bound = vec![0; rest + 2];
    stream.read_exact(&mut bound).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("is a block")
    }

    #[test]
    fn blocks_hold_their_addresses_however_written() {
        let network = Network::denying(&[
            cidr("169.254.0.0/16"),
            cidr("127.0.0.0/8"),
            cidr("::1/128"),
            cidr("fd00::/8"),
        ]);
        for (address, refused) in [
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("127.1.2.3", true),
            ("::1", true),
            ("fd12::1", true),
            ("8.8.8.8", false),
            ("fe80::1", false),
        ] {
            let address = address.parse().expect("is an address");
            assert_eq!(network.admit(address).is_err(), refused, "{address}");
        }
        let all = Network::denying(&[cidr("0.0.0.0/0"), cidr("::/0")]);
        assert!(all.admit("8.8.8.8".parse().expect("is one")).is_err());
        assert!(all.admit("2001:db8::1".parse().expect("is one")).is_err());
    }

    #[test]
    fn what_is_no_block_is_named() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "::/129",
            "a/8",
            "10.0.0.0/-1",
        ] {
            let error = text.parse::<Cidr>().expect_err("is none");
            assert_eq!(error.to_string(), format!("invalid CIDR address: {text}"));
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_denied_address_is_not_dialled() {
        let network = Network::denying(&[cidr("127.0.0.0/8")])
            .with_lookup(|_| Ok(vec!["127.0.0.1".parse().expect("is one")]));
        let error = network
            .dial("git.example.com", 22)
            .await
            .expect_err("is refused");
        assert_eq!(
            error,
            "dial tcp git.example.com:22: the address is denied by --deny-cidr"
        );
    }
}

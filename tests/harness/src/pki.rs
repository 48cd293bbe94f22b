//! A certificate authority for one control plane or server, made in process.

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CidrSubnet,
    CrlDistributionPoint, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};

/// Names under which servers of the harness are reached.
const LOCAL_NAMES: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "10.96.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
];

/// A certificate with its private key, both PEM.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority that signs server certificates for this machine's loopback.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new authority with its own P-256 key.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("cannot make the authority's key")?;
        let pem = params
            .self_signed(&key)
            .context("cannot sign the authority")?
            .pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// The authority's own certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for servers on 127.0.0.1.
    pub(crate) fn server(&self) -> Result<Identity> {
        self.server_of(&LOCAL_NAMES)
    }

    /// A certificate for servers with these names.
    pub(crate) fn server_of(&self, names: &[&str]) -> Result<Identity> {
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    pub(crate) fn client(&self) -> Result<Identity> {
        self.sign(&["client.example"], ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> Result<Identity> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).context("the names are valid")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "127.0.0.1");
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("cannot sign a certificate")?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// It is over.
    Expired,
    /// It has not begun.
    NotYetValid,
    /// It is that of another host.
    OtherName,
    /// Its authority may only sign for other names.
    ForeignConstraint,
    /// It proves clients, not servers.
    ForClients,
    /// Nobody else vouches for it.
    SelfSigned,
}

/// The authority to trust, PEM, and a certificate for servers on 127.0.0.1 with this flaw.
pub(crate) fn flawed(flaw: CertificateFlaw) -> Result<(String, Identity)> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, format!("authority of {flaw:?}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    if flaw == CertificateFlaw::ForeignConstraint {
        authority.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("other.example".to_owned())],
            excluded_subtrees: vec![GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(
                [127, 0, 0, 0],
                8,
            ))],
        });
    }
    let authority_key = KeyPair::generate().context("cannot make the authority's key")?;
    let pem = authority.self_signed(&authority_key)?.pem();
    let name = match flaw {
        CertificateFlaw::OtherName => "other.example",
        _ => "127.0.0.1",
    };
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.extended_key_usages = match flaw {
        CertificateFlaw::ForClients => vec![ExtendedKeyUsagePurpose::ClientAuth],
        _ => vec![ExtendedKeyUsagePurpose::ServerAuth],
    };
    match flaw {
        CertificateFlaw::Expired => params.not_after = rcgen::date_time_ymd(2020, 1, 1),
        CertificateFlaw::NotYetValid => params.not_before = rcgen::date_time_ymd(2999, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().context("cannot make the server's key")?;
    let certificate = match flaw {
        CertificateFlaw::SelfSigned => params.self_signed(&key)?,
        _ => params.signed_by(&key, &Issuer::new(authority, authority_key))?,
    };
    let identity = Identity {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    };
    Ok((pem, identity))
}

/// The authority to trust, PEM, behind a list of its on which nobody stands, and a certificate for servers on 127.0.0.1
/// that says that the list is at `list`.
pub(crate) fn listed(list: &str) -> Result<(String, Identity)> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "listing");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate().context("cannot make the authority's key")?;
    let pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let revoked = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2020, 2, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let revoked = revoked.signed_by(&issuer)?.pem()?;
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.crl_distribution_points = vec![CrlDistributionPoint {
        uris: vec![list.to_owned()],
    }];
    let key = KeyPair::generate().context("cannot make the server's key")?;
    let identity = Identity {
        certificate: params.signed_by(&key, &issuer)?.pem(),
        key: key.serialize_pem(),
    };
    Ok((format!("{revoked}{pem}"), identity))
}

/// A private key in PEM that kube-apiserver takes for service account tokens.
pub(crate) fn signing_key() -> Result<KeyPair> {
    KeyPair::generate().context("cannot make the service account key")
}

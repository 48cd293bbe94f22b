//! Refs, addresses and certificates that want to hurt, over every way there is to a repository.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{CertificateFlaw, GitServer, openssh, ssh_key_of};
use russh::keys::Algorithm;
use weir_git::{Cidr, Git, Network, Reference, RemoteOptions, SshKey, Tls};

#[path = "hostile/fetch.rs"]
mod fetch;
#[expect(dead_code, reason = "hostile.rs uses the rest")]
#[path = "hostile/pack.rs"]
mod pack;
#[expect(dead_code, reason = "hostile.rs uses the rest")]
#[path = "hostile/server.rs"]
mod server;

use fetch::{fetch_by, main_branch};
use pack::{BLOB, COMMIT, Pack, TREE, commit, hex, tree};
use server::{Reply, Script, Server, hello, line, packets};

/// Names that git itself would not make, and that an old go-git wrote to disk.
const REFS: [&str; 40] = [
    "refs/heads/a\u{8}",
    "refs/heads/../../config",
    "refs/heads/../../../etc/cron.d/x",
    "refs/heads/..",
    "refs/heads/a..b",
    "refs/heads/.a",
    "refs/heads/a/.b",
    "refs/heads/a.",
    "refs/heads/a.lock",
    "refs/heads/a.lock/b",
    "refs/heads/a~1",
    "refs/heads/a^",
    "refs/heads/a:b",
    "refs/heads/a?",
    "refs/heads/a*",
    "refs/heads/a[b",
    "refs/heads/a\\b",
    "refs/heads/..\\config",
    "refs/heads/a/",
    "refs/heads//a",
    "/refs/heads/a",
    "refs//heads/a",
    "refs/heads/@{x",
    "refs/heads/a@{1}",
    "refs/heads/\u{1}",
    "refs/heads/a\u{7f}",
    "refs/heads/a\tb",
    "@",
    "refs/heads/./a",
    "refs/./heads/a",
    "../refs/heads/a",
    "refs/heads/a//b",
    "refs/heads/-",
    "refs/../HEAD",
    "config",
    "objects/info/alternates",
    "refs/heads/a..",
    "refs/tags/v1..2",
    "refs/tags/.v1",
    "refs/tags/v1.lock",
];

#[tokio::test]
async fn refs_that_git_would_refuse_are_as_if_they_were_not_there() {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"x");
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let tip = hex(tip);
    let mut refs: Vec<u8> = REFS
        .iter()
        .flat_map(|name| line(format!("{tip} {name}\n").as_bytes()))
        .collect();
    refs.extend(line(format!("{tip} refs/heads/main\n").as_bytes()));
    refs.extend_from_slice(b"0000");
    let mut answer = packets(&tip, &pack.finish());
    answer.extend_from_slice(b"0000");
    let server = Server::start(Script {
        hello: Reply::Bytes(hello()),
        refs: Reply::Bytes(refs),
        pack: Reply::Bytes(answer),
    });
    let git = Git::new(1);
    let ask =
        async |reference| fetch_by(&git, &server.url(), reference, RemoteOptions::default()).await;
    assert_eq!(ask(main_branch()).await, Ok(format!("main@sha1:{tip}")));
    let harmless = ["refs/heads/-", "config", "objects/info/alternates"];
    for name in REFS {
        let outcome = ask(Reference::Name(name.to_owned())).await;
        // Harmless to who keeps no refs: they are names, and nothing is written under them.
        if harmless.contains(&name) {
            continue;
        }
        let error = outcome.expect_err(name);
        assert!(error.contains("ref"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_name_with_a_space_ends_the_listing_as_it_does_for_go_git() {
    let mut pack = Pack::default();
    let (blob, _) = pack.add(BLOB, b"x");
    let (root, _) = pack.add(TREE, &tree(&[("100644", "file", blob)]));
    let (tip, _) = pack.add(COMMIT, &commit(root));
    let tip = hex(tip);
    let mut answer = packets(&tip, &pack.finish());
    answer.extend_from_slice(b"0000");
    // Bytes that are no text are a name like any other.
    for (name, is_read) in [(&b"a b"[..], false), (b"a  b", false), (b"caf\xe9", true)] {
        let odd = [tip.as_bytes(), b" refs/heads/", name, b"\n"].concat();
        let main = format!("{tip} refs/heads/main\n");
        let refs = [line(&odd), line(main.as_bytes()), b"0000".to_vec()].concat();
        let server = Server::start(Script {
            hello: Reply::Bytes(hello()),
            refs: Reply::Bytes(refs),
            pack: Reply::Bytes(answer.clone()),
        });
        let options = RemoteOptions::default();
        let fetched = fetch_by(&Git::new(1), &server.url(), main_branch(), options).await;
        assert_eq!(fetched.is_ok(), is_read, "{name:?}: {fetched:?}");
    }
}

fn cidr(text: &str) -> Cidr {
    text.parse().expect("is a block")
}

#[tokio::test]
async fn a_name_that_comes_to_mean_a_denied_address_is_not_dialled() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    let head = repo.commit(&[("a", "1")], "first").expect("commits");
    let url = format!("http://rebind.example:{}/app.git", server.address().port());
    let good = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let denied: IpAddr = "169.254.169.254".parse().expect("is one");
    // The first answer is harmless, all later ones are not.
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let rebinding = Network::denying(&[cidr("169.254.0.0/16")]).with_lookup(move |_| {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        Ok(vec![if first { good } else { denied }])
    });
    let options = RemoteOptions::default;
    let git = Git::new(1).with_network(rebinding.clone());
    let fetched = fetch_by(&git, &url, main_branch(), options()).await;
    // What was looked up and judged is what was dialled, for as long as the connection lives.
    assert_eq!(fetched, Ok(format!("main@sha1:{head}")));
    let again = Git::new(1).with_network(rebinding.clone());
    let error = fetch_by(&again, &url, main_branch(), options()).await;
    let error = error.expect_err("is denied");
    assert!(
        error.ends_with("the address is denied by --deny-cidr"),
        "{error}"
    );
    let ssh = format!(
        "ssh://git@rebind.example:{}/app.git",
        server.address().port()
    );
    let key = ssh_key_of(Algorithm::Ed25519).expect("makes a key");
    let with_key = RemoteOptions {
        ssh: Some(SshKey {
            identity: openssh(&key).expect("prints"),
            password: None,
            known_hosts: Vec::new(),
        }),
        ..options()
    };
    let error = fetch_by(&again, &ssh, main_branch(), with_key).await;
    let error = error.expect_err("is denied");
    assert!(
        error.ends_with("the address is denied by --deny-cidr"),
        "{error}"
    );

    // Of two addresses of one name only the one that is allowed is dialled.
    let both =
        Network::denying(&[cidr("169.254.0.0/16")]).with_lookup(move |_| Ok(vec![denied, good]));
    let git = Git::new(1).with_network(both);
    let fetched = fetch_by(&git, &url, main_branch(), options()).await;
    assert_eq!(fetched, Ok(format!("main@sha1:{head}")));
}

#[tokio::test]
async fn denied_addresses_are_refused_however_they_are_written() {
    let server = GitServer::start().expect("starts");
    let repo = server.repo("app").expect("is made");
    repo.commit(&[("a", "1")], "first").expect("commits");
    let port = server.address().port();
    let git = Git::new(1).with_network(Network::denying(&[cidr("127.0.0.0/8"), cidr("::1/128")]));
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.2",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "localhost",
        "LOCALHOST",
    ] {
        let url = format!("http://{host}:{port}/app.git");
        let error = fetch_by(&git, &url, main_branch(), RemoteOptions::default()).await;
        let error = error.expect_err("is denied");
        // What is no address to Go is a name, and one that nobody has.
        let odd = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"].contains(&host);
        let expected = match odd {
            true => format!("dial tcp: lookup {host}: no such host"),
            false => "the address is denied by --deny-cidr".to_owned(),
        };
        assert!(error.ends_with(&expected), "{host}: {error}");
    }
    assert!(repo.requests().is_empty());
}

#[tokio::test]
async fn certificates_that_do_not_hold_end_it_in_gos_words() {
    let why = "tls: failed to verify certificate: x509: ";
    for (flaw, expected) in [
        (
            CertificateFlaw::Expired,
            "certificate has expired or is not yet valid",
        ),
        (
            CertificateFlaw::NotYetValid,
            "certificate has expired or is not yet valid",
        ),
        (
            CertificateFlaw::OtherName,
            "certificate is not valid for 127.0.0.1",
        ),
        (
            CertificateFlaw::ForeignConstraint,
            "a root or intermediate certificate is not authorized to sign for this name",
        ),
        (
            CertificateFlaw::ForClients,
            "certificate specifies an incompatible key usage",
        ),
        (
            CertificateFlaw::SelfSigned,
            "certificate signed by unknown authority",
        ),
    ] {
        let server = GitServer::start_tls_flawed(flaw).expect("starts");
        let repo = server.repo("app").expect("is made");
        repo.commit(&[("a", "1")], "first").expect("commits");
        repo.require_basic("alice", "canary");
        let options = RemoteOptions {
            tls: Tls {
                ca: server.ca().map(|ca| ca.as_bytes().to_vec()),
                identity: None,
            },
            ..RemoteOptions::default()
        };
        let url = repo.url().replace("://", "://alice:canary@");
        let error = fetch_by(&Git::new(1), &url, main_branch(), options).await;
        let error = error.expect_err("does not hold");
        assert!(
            error.contains(&format!("{why}{expected}")),
            "{flaw:?}: {error}"
        );
        assert!(repo.requests().is_empty(), "{flaw:?}: nothing was asked");
    }
}

#[tokio::test]
async fn authorities_are_found_among_other_things_and_lists_of_revoked_ones_change_nothing() {
    // Nobody asks it: Go looks at no list either, and where it is is the certificate's own claim.
    let lists = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    lists.set_nonblocking(true).expect("sets");
    let list = format!("http://{}/list", lists.local_addr().expect("is bound"));
    let server = GitServer::start_tls_listed(&list).expect("starts");
    let repo = server.repo("app").expect("is made");
    let head = repo.commit(&[("a", "1")], "first").expect("commits");
    let good = server.ca().expect("has one");
    assert!(good.starts_with("-----BEGIN X509 CRL-----"));
    let block =
        |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let other = GitServer::start_tls().expect("starts");
    for before in [
        String::new(),
        "# what our security people gave us\n".to_owned(),
        block("AAAA"),
        block("no base64"),
        block("MIIB"),
        block(""),
        "-----BEGIN CERTIFICATE-----\nMIIB\n".to_owned(),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned(),
        other.ca().expect("has one").to_owned(),
    ] {
        let options = RemoteOptions {
            tls: Tls {
                ca: Some(format!("{before}{good}{before}").into_bytes()),
                identity: None,
            },
            ..RemoteOptions::default()
        };
        let fetched = fetch_by(&Git::new(1), repo.url(), main_branch(), options).await;
        assert_eq!(fetched, Ok(format!("main@sha1:{head}")), "after {before}");
    }
    assert!(lists.accept().is_err(), "the list was asked for");
}

#[test]
fn nothing_here_starts_a_program() {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<_> = [
        "crates/weir-git/src",
        "crates/weir-artifact/src",
        "crates/weir-auth/src",
        "controllers/source-controller/src",
    ]
    .map(|folder| workspace.join(folder))
    .to_vec();
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("lists").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Tests may.
            let relative = path.strip_prefix(&workspace).unwrap_or(&path);
            if relative.to_string_lossy().contains("tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("reads");
            files += 1;
            for word in [
                "process::Command",
                "Command::new(\"",
                "libc::exec",
                "rustix::runtime",
            ] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
        }
    }
    assert!(files > 80, "{files} files");
}

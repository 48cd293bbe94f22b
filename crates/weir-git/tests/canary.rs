//! Where credentials are seen on every way that redirects can lead: at their own origin, and nowhere else.

use std::time::Duration;

use harness::{Fault, GitServer, Repository};
use weir_git::{Credentials, Error, Git, Purpose, Reference, RemoteOptions, Tls};

/// Which server a name leads to, and by which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    server: usize,
    host: &'static str,
}

const IP: &str = "127.0.0.1";
const NAME: &str = "localhost";

/// Four servers: http and https, each on two ports. Each has a repository for every hop.
struct World {
    servers: Vec<GitServer>,
    hops: Vec<Vec<Repository>>,
}

impl World {
    fn new() -> Self {
        let start = |secure: bool| match secure {
            true => GitServer::start_tls().expect("starts"),
            false => GitServer::start().expect("starts"),
        };
        let servers: Vec<_> = [false, false, true, true].map(start).into();
        let repository = |server: &GitServer, hop: usize| {
            let repo = server.repo(&format!("hop{hop}")).expect("is made");
            repo.commit(&[("a", "1")], "first").expect("commits");
            repo
        };
        let hops = servers
            .iter()
            .map(|server| (0..=3).map(|hop| repository(server, hop)).collect());
        let hops = hops.collect();
        Self { servers, hops }
    }

    fn url(&self, place: Place, hop: usize) -> String {
        let url = self.servers[place.server].url().replace(IP, place.host);
        format!("{url}/hop{hop}.git")
    }

    /// Leads hop by hop over `way`, and fetches from its beginning.
    async fn fetch(&self, way: &[Place], credentials: Credentials) -> Result<(), String> {
        for (hop, place) in way.iter().enumerate() {
            let to = way.get(hop + 1).map(|next| {
                // What is appended is cut off with the fragment.
                let next = self.url(*next, hop + 1);
                format!("{next}/info/refs?service=git-upload-pack#")
            });
            self.hops[place.server][hop].fault(to.map(Fault::Redirect));
        }
        let authorities: String = self.servers.iter().filter_map(GitServer::ca).collect();
        let options = RemoteOptions {
            credentials: Some(credentials),
            tls: Tls {
                ca: Some(authorities.into_bytes()),
                identity: None,
            },
            ..RemoteOptions::default()
        };
        let url = self.url(way[0], 0);
        let git = Git::new(1);
        let work = git.run(Duration::from_secs(20), move |session| {
            let remote = session.remote(&url, options)?;
            let mut connection = remote.connect(session, Purpose::Clone)?;
            let resolved = connection.resolve(&Reference::Branch("main".to_owned()))?;
            connection.fetch(&resolved).map(drop)
        });
        work.await.map_err(|error: Error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        })
    }

    /// All heads of requests since the last call, with the server that got them.
    fn heads(&self) -> Vec<(usize, String)> {
        let of_server = |(server, hops): (usize, &Vec<Repository>)| {
            let heads: Vec<_> = hops.iter().flat_map(Repository::take_heads).collect();
            heads.into_iter().map(move |head| (server, head))
        };
        self.hops.iter().enumerate().flat_map(of_server).collect()
    }
}

/// Every way of one to three hops over these places.
fn ways(from: Place, places: &[Place]) -> Vec<Vec<Place>> {
    let mut all = vec![vec![from]];
    let mut longest = 0..1;
    for _ in 0..3 {
        let begun: Vec<_> = all[longest.clone()].to_vec();
        longest = all.len()..all.len() + begun.len() * places.len();
        let on = |way: &Vec<Place>, place: &Place| [way.as_slice(), &[*place]].concat();
        for way in &begun {
            all.extend(places.iter().map(|place| on(way, place)));
        }
    }
    all.split_off(1)
}

#[tokio::test]
async fn no_redirect_of_up_to_three_hops_shows_credentials_to_another_scheme_host_or_port() {
    let world = World::new();
    let kinds = [
        Credentials::Basic {
            username: "canary".to_owned(),
            password: "canary".to_owned(),
        },
        Credentials::Bearer("canary".to_owned()),
    ];
    // What a head holds of them: `canary:canary` as base64, and the token.
    let shown = ["Y2FuYXJ5OmNhbmFyeQ", "canary"];
    let mut count = 0;
    for (own, other) in [(0, 2), (2, 0)] {
        let place = |server, host| Place { server, host };
        let origin = place(own, IP);
        // The origin itself, another name, another port, another scheme.
        let places = [
            origin,
            place(own, NAME),
            place(own + 1, IP),
            place(other, IP),
        ];
        let port = world.servers[own].address().port();
        for (number, way) in ways(origin, &places).into_iter().enumerate() {
            let fetched = world.fetch(&way, kinds[number % 2].clone()).await;
            // All that ends it is a step from https to http.
            let down = |step: &[Place]| step[0].server >= 2 && step[1].server < 2;
            let allowed = !way.windows(2).any(down);
            assert_eq!(fetched.is_ok(), allowed, "{way:?}: {fetched:?}");
            let told = fetched.err().unwrap_or_default();
            assert!(!told.contains("canary"), "{told}");
            let mut at_home = false;
            for (server, head) in world.heads() {
                let seen = shown.iter().any(|shown| head.contains(shown));
                let home = server == own && head.contains(&format!("\"{IP}:{port}\""));
                assert!(home || !seen, "{way:?}: {head}");
                at_home |= home && seen;
            }
            count += 1;
            assert!(at_home, "{way:?}: whose they are sees them");
        }
    }
    assert_eq!(count, 2 * (4 + 16 + 64));
}

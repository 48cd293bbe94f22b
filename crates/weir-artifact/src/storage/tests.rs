//! On a real file system.

use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use super::*;

mod faults;

struct Fixture {
    folder: tempfile::TempDir,
    storage: Storage,
    location: Location,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("makes a folder");
    let root = folder.path().join("data");
    let storage = Storage::open(root, "host:80", Algorithm::Sha256, Retention::default());
    let location = Location {
        kind: "gitrepository".to_owned(),
        namespace: "ns".to_owned(),
        name: "app".to_owned(),
    };
    Fixture {
        storage: storage.expect("opens"),
        folder,
        location,
    }
}

impl Fixture {
    fn publish(&self, file: &str, contents: &str) -> Published {
        let published = self.storage.publish(&self.location, file, |output| {
            output
                .write_all(contents.as_bytes())
                .map_err(fail("write", file))
        });
        published.expect("publishes").0
    }

    fn names(&self) -> Vec<String> {
        let folder = self.storage.root().join("gitrepository/ns/app");
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|entries| {
                entries
                    .flatten()
                    .map(|entry| file_name(&entry.path()))
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }
}

#[test]
fn what_is_published_has_its_digest_size_url_and_tight_modes() {
    let fixture = fixture();
    let published = fixture.publish("a.tar.gz", "hello");
    assert_eq!(published.path, "gitrepository/ns/app/a.tar.gz");
    assert_eq!(published.size, 5);
    assert_eq!(
        published.digest.to_string(),
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(
        fixture.storage.url(&published.path),
        "http://host:80/gitrepository/ns/app/a.tar.gz"
    );
    let mode = |path: &str| {
        let found = fs::metadata(fixture.storage.root().join(path)).expect("is there");
        found.permissions().mode() & 0o7777
    };
    assert_eq!(
        (mode("gitrepository"), mode(&published.path)),
        (0o700, 0o600)
    );
    assert_eq!(fixture.names(), ["a.tar.gz"]);
}

#[test]
fn a_failed_write_leaves_nothing_and_keeps_what_was_there() {
    let fixture = fixture();
    fixture.publish("a.tar.gz", "old");
    let failed: Result<(Published, ()), StorageError> =
        fixture
            .storage
            .publish(&fixture.location, "a.tar.gz", |output| {
                output.write_all(b"half").map_err(fail("write", "a"))?;
                Err(fail("write", "a")(io::ErrorKind::StorageFull.into()))
            });
    assert!(
        matches!(failed, Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull)
    );
    assert_eq!(fixture.names(), ["a.tar.gz"]);
    let kept = fs::read(fixture.storage.root().join("gitrepository/ns/app/a.tar.gz"));
    assert_eq!(kept.expect("reads"), b"old");
}

#[test]
fn damage_is_seen_also_by_a_new_process() {
    let fixture = fixture();
    let published = fixture.publish("a.tar.gz", "hello");
    let digest = published.digest.to_string();
    let check = |storage: &Storage| storage.check(&published.path, &digest).expect("checks");
    assert_eq!(check(&fixture.storage), Health::Good);
    let root = fixture.folder.path().join("data");
    let restarted =
        Storage::open(&root, "host", Algorithm::Sha256, Retention::default()).expect("opens");
    assert_eq!(check(&restarted), Health::Good);
    fs::write(root.join(&published.path), "hellO").expect("damages");
    assert_eq!(check(&restarted), Health::Corrupt);
    let fresh =
        Storage::open(&root, "host", Algorithm::Sha256, Retention::default()).expect("opens");
    assert_eq!(check(&fresh), Health::Corrupt);
    assert_eq!(
        fresh.check(&published.path, "").expect("checks"),
        Health::Corrupt
    );
    fresh.remove(&published.path).expect("removes");
    assert_eq!(check(&fresh), Health::Missing);
    std::os::unix::fs::symlink("/etc/hostname", root.join(&published.path)).expect("links");
    assert_eq!(check(&fresh), Health::Missing);
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    let fixture = fixture();
    for path in ["../x", "/etc/passwd", "a//b", "a/../b", "a/./b", "", "a\0"] {
        assert!(
            matches!(
                fixture.storage.check(path, ""),
                Err(StorageError::InvalidPath(_))
            ),
            "{path:?}"
        );
        assert!(fixture.storage.remove(path).is_err(), "{path:?}");
    }
    let hostile = Location {
        name: "..".to_owned(),
        ..fixture.location.clone()
    };
    assert!(fixture.storage.remove_all(&hostile).is_err());
}

#[test]
fn collection_takes_locks_along_and_ignores_the_rest() {
    let fixture = fixture();
    for name in ["1", "2", "3"] {
        fixture.publish(name, name);
    }
    let folder = fixture.storage.root().join("gitrepository/ns/app");
    fs::write(folder.join("1.lock"), "").expect("writes");
    fs::create_dir(folder.join("sub")).expect("makes");
    std::os::unix::fs::symlink("3", folder.join("latest")).expect("links");
    let later = SystemTime::now() + Duration::from_secs(61);
    let removed = fixture
        .storage
        .collect(&fixture.location, "gitrepository/ns/app/3", later);
    let mut removed = removed.expect("collects");
    removed.sort();
    assert_eq!(removed, ["1", "2"]);
    assert_eq!(fixture.names(), ["3", "latest", "sub"]);
}

#[test]
fn deletion_takes_everything_of_the_object_only() {
    let fixture = fixture();
    fixture.publish("a", "1");
    let other = Location {
        name: "app2".to_owned(),
        ..fixture.location.clone()
    };
    let write = |output: &mut dyn Write| output.write_all(b"x").map_err(fail("write", "b"));
    fixture
        .storage
        .publish(&other, "b", write)
        .expect("publishes");
    assert!(
        fixture
            .storage
            .remove_all(&fixture.location)
            .expect("removes")
    );
    assert!(
        !fixture
            .storage
            .remove_all(&fixture.location)
            .expect("removes nothing")
    );
    assert!(
        fixture
            .storage
            .root()
            .join("gitrepository/ns/app2/b")
            .exists()
    );
    assert_eq!(fixture.names(), Vec::<String>::new());
}

#[test]
fn what_a_killed_process_left_goes_at_the_next_start_but_not_what_is_being_written() {
    let fixture = fixture();
    let published = fixture.publish("a.tar.gz", "whole");
    let folder = fixture.storage.root().join("gitrepository/ns/app");
    fs::write(folder.join(".tmp-dead"), "half").expect("writes");
    let reopened = || {
        let root = fixture.storage.root();
        Storage::open(root, "host", Algorithm::Sha256, Retention::default()).expect("opens")
    };
    let written: Result<_, StorageError> =
        fixture
            .storage
            .publish(&fixture.location, "b.tar.gz", |output| {
                reopened();
                output.write_all(b"1").map_err(fail("write", "b"))
            });
    written.expect("is not swept away");
    assert_eq!(fixture.names(), ["a.tar.gz", "b.tar.gz"]);
    let digest = published.digest.to_string();
    let health = reopened().check(&published.path, &digest);
    assert_eq!(health.expect("checks"), Health::Good);
}

#[test]
fn an_artifact_may_be_as_large_as_allowed_and_no_larger() {
    let fixture = fixture();
    let limits = ArtifactLimits {
        size: 10,
        ..ArtifactLimits::default()
    };
    let storage = fixture.storage.with_limits(limits);
    let publish = |size: usize| {
        storage.publish(&fixture.location, "a", |output| {
            output.write_all(&vec![0; size]).map_err(fail("write", "a"))
        })
    };
    assert_eq!(publish(10).expect("fits").0.size, 10);
    let Err(StorageError::Io { source, .. }) = publish(11) else {
        panic!("11 bytes were stored");
    };
    assert_eq!(source.to_string(), "artifact exceeds 10 bytes");
}

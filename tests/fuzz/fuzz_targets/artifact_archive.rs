//! Any bytes as an artifact, and as its unpacked stream: what comes of it is within its root and its bounds.
#![no_main]

use std::io::Write as _;

use file_tree::Limits;
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use weir_artifact::unpack;

fn check(archive: &[u8]) {
    let limits = Limits {
        bytes: 1 << 20,
        entries: 100,
        ..Limits::default()
    };
    let Ok(tree) = unpack(archive, limits) else {
        return;
    };
    assert!(tree.walk().count() <= 100);
    for (path, _) in tree.walk() {
        assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."), "{path}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    if gzip.write_all(bytes).is_ok()
        && let Ok(packed) = gzip.finish()
    {
        check(&packed);
    }
});

//! A whole build of a tree of files, each after a line `=== PATH`; a line `=== PATH -> TARGET` is a link.
#![no_main]

use file_tree::FileTree;
use kustomize::flux::{self, Overlay};
use kustomize::{Limits, LoadRestriction, Options, Order, TreeFs};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    yaml: kyaml::Limits {
        bytes: 1 << 20,
        nodes: 20_000,
        depth: 100,
    },
    kustomizations: 100,
    resources: 500,
    output: 1 << 20,
};

fn tree(text: &str) -> FileTree {
    let limits = file_tree::Limits::default();
    let mut tree = FileTree::new(limits);
    for part in text.split("=== ").skip(1) {
        let (path, content) = part.split_once('\n').unwrap_or((part, ""));
        let _ = match path.split_once(" -> ") {
            Some((path, target)) => tree.insert_symlink(path, target),
            None => tree.insert_file(path, content.to_owned().into_bytes(), false),
        };
    }
    tree
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let tree = tree(text);
    for (order, load_restriction) in [
        (Order::Legacy, LoadRestriction::RootOnly),
        (Order::Accumulated, LoadRestriction::None),
    ] {
        let options = Options {
            order,
            load_restriction,
            limits: LIMITS,
            ..Options::default()
        };
        for root in ["/in", "/in/root"] {
            let build = kustomize::build(&TreeFs::confined(&tree, "/in"), root, &options);
            if let Ok(text) = build.and_then(|build| build.to_yaml()) {
                assert!(text.is_empty() || text.ends_with('\n'));
            }
        }
    }
    let options = flux::Options {
        limits: LIMITS,
        ..flux::Options::default()
    };
    let _ = flux::build(&tree, "", &Overlay::default(), &options);
});

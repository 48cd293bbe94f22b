//! Any text as known_hosts, a private key, `.gitmodules` and URLs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_git::{Submodule, needs_password, same_origin};

const PARENT: &str = "https://git.example/group/app.git";

fuzz_target!(|bytes: &[u8]| {
    weir_git::fuzzing::known_hosts(bytes);
    weir_git::fuzzing::identity(bytes);
    let _ = needs_password(bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    weir_git::fuzzing::url(&text);
    let _ = same_origin(PARENT, &text);
    let mut modules = Submodule::parse(bytes).unwrap_or_default();
    modules.push(Submodule {
        path: "sub".to_owned(),
        url: text,
    });
    for module in modules {
        if let Ok(url) = module.resolve(PARENT) {
            let served = ["https://", "http://", "ssh://"];
            assert!(served.iter().any(|start| url.to_lowercase().starts_with(start)), "{url}");
        }
    }
});

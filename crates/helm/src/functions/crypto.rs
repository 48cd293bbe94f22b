//! Passwords, keys, certificates and everything random.
//!
//! Nothing here has chance or a clock of its own: both come from the caller's [`Env`].
//!
//! Source: sprig v3.3.0 `crypto.go`, `strings.go`, goutils v1.1.1 `cryptorandomstringutils.go`

mod aes;
mod certificate;
mod der;
mod key;
mod parse;
mod password;
mod pem;
mod random;

use go_template::Functions;

use crate::Env;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    aes::register(functions, env);
    certificate::register(functions, env);
    key::register(functions, env);
    password::register(functions, env);
    random::register(functions, env);
}

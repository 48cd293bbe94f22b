//! What templates may see of the world: only what the caller gives.

use std::fmt;
use std::sync::Arc;

use go_template::Value;

/// Seconds since 1970 in UTC, and nanoseconds of the second.
pub type Clock = Arc<dyn Fn() -> (i64, u32) + Send + Sync>;

/// Fills a buffer with random bytes.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The object of an API version, a kind, a namespace and a name; a list of objects where the name is empty; an
/// empty map where there is none.
pub type Lookup = Arc<dyn Fn(&str, &str, &str, &str) -> Result<Value, String> + Send + Sync>;

/// The address of a host.
pub type Resolve = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The clock, chance, and who answers questions. Copying one is cheap.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub now: Clock,
    /// Chance; it decides on passwords and keys, so it has to be one for cryptography.
    pub random: Random,
    /// What `lookup` asks; without it, it finds nothing.
    pub lookup: Option<Lookup>,
    /// What `getHostByName` asks; without it, the answer is an empty text.
    pub resolve: Option<Resolve>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("lookup", &self.lookup.is_some())
            .field("resolve", &self.resolve.is_some())
            .finish_non_exhaustive()
    }
}

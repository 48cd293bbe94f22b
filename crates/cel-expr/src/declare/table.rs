//! The signatures, in the order in which cel-go tries them. A dot begins the name of a method.

pub(super) const SIGNATURES: &str = "\
_?_:_ (bool, A, A) -> A
_&&_ (bool, bool) -> bool
_||_ (bool, bool) -> bool
!_ (bool) -> bool
@not_strictly_false (bool) -> bool
_==_ (A, A) -> bool
_!=_ (A, A) -> bool
_+_ (bytes, bytes) -> bytes
_+_ (double, double) -> double
_+_ (duration, duration) -> duration
_+_ (duration, timestamp) -> timestamp
_+_ (timestamp, duration) -> timestamp
_+_ (int, int) -> int
_+_ (list(A), list(A)) -> list(A)
_+_ (string, string) -> string
_+_ (uint, uint) -> uint
_/_ (double, double) -> double
_/_ (int, int) -> int
_/_ (uint, uint) -> uint
_%_ (int, int) -> int
_%_ (uint, uint) -> uint
_*_ (double, double) -> double
_*_ (int, int) -> int
_*_ (uint, uint) -> uint
-_ (double) -> double
-_ (int) -> int
_-_ (double, double) -> double
_-_ (duration, duration) -> duration
_-_ (int, int) -> int
_-_ (timestamp, duration) -> timestamp
_-_ (timestamp, timestamp) -> duration
_-_ (uint, uint) -> uint
_<_ (bool, bool) -> bool
_<_ (int, int) -> bool
_<_ (int, double) -> bool
_<_ (int, uint) -> bool
_<_ (uint, uint) -> bool
_<_ (uint, double) -> bool
_<_ (uint, int) -> bool
_<_ (double, double) -> bool
_<_ (double, int) -> bool
_<_ (double, uint) -> bool
_<_ (string, string) -> bool
_<_ (bytes, bytes) -> bool
_<_ (timestamp, timestamp) -> bool
_<_ (duration, duration) -> bool
_<=_ (bool, bool) -> bool
_<=_ (int, int) -> bool
_<=_ (int, double) -> bool
_<=_ (int, uint) -> bool
_<=_ (uint, uint) -> bool
_<=_ (uint, double) -> bool
_<=_ (uint, int) -> bool
_<=_ (double, double) -> bool
_<=_ (double, int) -> bool
_<=_ (double, uint) -> bool
_<=_ (string, string) -> bool
_<=_ (bytes, bytes) -> bool
_<=_ (timestamp, timestamp) -> bool
_<=_ (duration, duration) -> bool
_>_ (bool, bool) -> bool
_>_ (int, int) -> bool
_>_ (int, double) -> bool
_>_ (int, uint) -> bool
_>_ (uint, uint) -> bool
_>_ (uint, double) -> bool
_>_ (uint, int) -> bool
_>_ (double, double) -> bool
_>_ (double, int) -> bool
_>_ (double, uint) -> bool
_>_ (string, string) -> bool
_>_ (bytes, bytes) -> bool
_>_ (timestamp, timestamp) -> bool
_>_ (duration, duration) -> bool
_>=_ (bool, bool) -> bool
_>=_ (int, int) -> bool
_>=_ (int, double) -> bool
_>=_ (int, uint) -> bool
_>=_ (uint, uint) -> bool
_>=_ (uint, double) -> bool
_>=_ (uint, int) -> bool
_>=_ (double, double) -> bool
_>=_ (double, int) -> bool
_>=_ (double, uint) -> bool
_>=_ (string, string) -> bool
_>=_ (bytes, bytes) -> bool
_>=_ (timestamp, timestamp) -> bool
_>=_ (duration, duration) -> bool
_[_] (list(A), int) -> A
_[_] (map(A, B), A) -> B
_[_] (optional_type(list(V)), int) -> optional_type(V)
_[_] (optional_type(map(K, V)), K) -> optional_type(V)
_[?_] (list(V), int) -> optional_type(V)
_[?_] (optional_type(list(V)), int) -> optional_type(V)
_[?_] (map(K, V), K) -> optional_type(V)
_[?_] (optional_type(map(K, V)), K) -> optional_type(V)
@in (A, list(A)) -> bool
@in (A, map(A, B)) -> bool
size (bytes) -> int
.size (bytes) -> int
size (list(A)) -> int
.size (list(A)) -> int
size (map(A, B)) -> int
.size (map(A, B)) -> int
size (string) -> int
.size (string) -> int
type (A) -> type(A)
bool (bool) -> bool
bool (string) -> bool
bytes (bytes) -> bytes
bytes (string) -> bytes
double (double) -> double
double (int) -> double
double (string) -> double
double (uint) -> double
duration (duration) -> duration
duration (int) -> duration
duration (string) -> duration
dyn (A) -> dyn
int (int) -> int
int (double) -> int
int (duration) -> int
int (string) -> int
int (timestamp) -> int
int (uint) -> int
string (string) -> string
string (bool) -> string
string (bytes) -> string
string (double) -> string
string (duration) -> string
string (int) -> string
string (timestamp) -> string
string (uint) -> string
timestamp (timestamp) -> timestamp
timestamp (int) -> timestamp
timestamp (string) -> timestamp
uint (uint) -> uint
uint (double) -> uint
uint (int) -> uint
uint (string) -> uint
.contains (string, string) -> bool
.endsWith (string, string) -> bool
.startsWith (string, string) -> bool
matches (string, string) -> bool
.matches (string, string) -> bool
.getFullYear (timestamp) -> int
.getFullYear (timestamp, string) -> int
.getMonth (timestamp) -> int
.getMonth (timestamp, string) -> int
.getDayOfYear (timestamp) -> int
.getDayOfYear (timestamp, string) -> int
.getDayOfMonth (timestamp) -> int
.getDayOfMonth (timestamp, string) -> int
.getDate (timestamp) -> int
.getDate (timestamp, string) -> int
.getDayOfWeek (timestamp) -> int
.getDayOfWeek (timestamp, string) -> int
.getHours (timestamp) -> int
.getHours (timestamp, string) -> int
.getHours (duration) -> int
.getMinutes (timestamp) -> int
.getMinutes (timestamp, string) -> int
.getMinutes (duration) -> int
.getSeconds (timestamp) -> int
.getSeconds (timestamp, string) -> int
.getSeconds (duration) -> int
.getMilliseconds (timestamp) -> int
.getMilliseconds (timestamp, string) -> int
.getMilliseconds (duration) -> int
optional.of (V) -> optional_type(V)
optional.ofNonZeroValue (V) -> optional_type(V)
optional.none () -> optional_type(V)
.value (optional_type(V)) -> V
.hasValue (optional_type(V)) -> bool
.or (optional_type(V), optional_type(V)) -> optional_type(V)
.orValue (optional_type(V), V) -> V
.last (list(V)) -> optional_type(V)
.first (list(V)) -> optional_type(V)
optional.unwrap (list(optional_type(V))) -> list(V)
.unwrapOpt (list(optional_type(V))) -> list(V)
.charAt (string, int) -> string
.indexOf (string, string) -> int
.indexOf (string, string, int) -> int
.lastIndexOf (string, string) -> int
.lastIndexOf (string, string, int) -> int
.lowerAscii (string) -> string
.replace (string, string, string) -> string
.replace (string, string, string, int) -> string
.split (string, string) -> list(string)
.split (string, string, int) -> list(string)
.substring (string, int) -> string
.substring (string, int, int) -> string
.trim (string) -> string
.upperAscii (string) -> string
.format (string, list(dyn)) -> string
strings.quote (string) -> string
.join (list(string)) -> string
.join (list(string), string) -> string
.reverse (string) -> string
sets.contains (list(T), list(T)) -> bool
sets.equivalent (list(T), list(T)) -> bool
sets.intersects (list(T), list(T)) -> bool
base64.decode (string) -> bytes
base64.encode (bytes) -> string
";

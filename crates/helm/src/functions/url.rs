//! URLs: `urlParse` and `urlJoin`, and `getHostByName`, which asks whom the caller gives.
//!
//! Source: sprig v3.3.0 `url.go`, `network.go`

use go_template::{Failure, Functions, Map, Signature, Str, Type, Value};
use go_url::{Url, User};

use super::given;
use crate::Env;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    let signature = Signature::new(&[Type::String], &Type::MAP);
    functions.add("urlParse", signature, |call, args| {
        let text = given::bytes(args, 0);
        call.budget().bytes(text.len() * 4)?;
        let url = Url::parse(text).map_err(|it| format!("unable to parse url: {it}"))?;
        Ok(fields(&url))
    });
    let signature = Signature::new(&[Type::MAP], &Type::String);
    functions.add("urlJoin", signature, |call, args| {
        let url = match args.first().and_then(Value::as_map) {
            Some(map) => join(map)?,
            None => Vec::new(),
        };
        call.budget().bytes(url.len())?;
        Ok(Value::Str(Str::from(url)))
    });
    let signature = Signature::new(&[Type::String], &Type::String);
    let resolve = env.resolve.clone();
    functions.add("getHostByName", signature, move |call, args| {
        let Some(resolve) = &resolve else {
            return Ok(Value::str(""));
        };
        let address = resolve(&given::text(args, 0));
        call.budget().bytes(address.len())?;
        Ok(Value::from(address))
    });
}

fn fields(url: &Url) -> Value {
    let userinfo = url.user.as_ref().map_or_else(Vec::new, User::text);
    let entries: [(&str, &[u8]); 8] = [
        ("scheme", &url.scheme),
        ("host", &url.host),
        ("hostname", url.hostname()),
        ("path", &url.path),
        ("query", &url.query),
        ("opaque", &url.opaque),
        ("fragment", &url.fragment),
        ("userinfo", &userinfo),
    ];
    Value::map(entries.map(|(key, text)| (key, Value::str(text))))
}

fn join(map: &Map) -> Result<Vec<u8>, Failure> {
    let field = |key: &str| match map.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(Failure::new(
            "runtime error: invalid memory address or nil pointer dereference",
        )),
        Some(other) => {
            let kind = given::kind(&other);
            Err(Failure::new(format!(
                "unable to parse {key} key, must be of type string, but {kind} found"
            )))
        }
    };
    let mut url = Url {
        scheme: field("scheme")?,
        host: field("host")?,
        path: field("path")?,
        query: field("query")?,
        opaque: field("opaque")?,
        fragment: field("fragment")?,
        ..Url::default()
    };
    let userinfo = field("userinfo")?;
    if !userinfo.is_empty() {
        let text = [b"proto://", &*userinfo, b"@host"].concat();
        let parsed = Url::parse(&text);
        let parsed = parsed.map_err(|it| format!("unable to parse userinfo in dict: {it}"))?;
        url.user = parsed.user;
    }
    Ok(url.text())
}

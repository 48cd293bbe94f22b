//! GitHub's API, as far as apps ask for tokens of their installations.

use http::Response;
use serde_json::json;

use super::{Asked, secrets, statement};
use crate::http_server::Body;

/// The installation that exists, and whose it is.
const INSTALLATION: u64 = 7;
const OWNER: &str = "acme";

/// A token for whoever proves to be the app.
pub(super) fn answer(asked: &Asked) -> Response<Body> {
    let refuse = |status, why: &str| super::json(status, &json!({"message": why}));
    let Some((header, claims)) = statement::signed(asked.bearer()) else {
        return refuse(401, "A JSON web token could not be decoded");
    };
    let (begin, end) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let checks = [
        header["alg"] == "RS256",
        claims["iss"] == secrets::GITHUB_APP,
        begin
            .zip(end)
            .is_some_and(|(begin, end)| begin < end && end - begin <= 600),
        asked.header("accept").starts_with("application/vnd.github"),
    ];
    if checks.contains(&false) {
        return refuse(
            401,
            &format!("the request is not as it must be: {checks:?}"),
        );
    }
    let path = asked.path.strip_prefix("/api/v3").unwrap_or(&asked.path);
    let token = format!("/app/installations/{INSTALLATION}/access_tokens");
    match (asked.method.as_str(), path) {
        ("GET", path) if path == format!("/orgs/{OWNER}/installation") => {
            super::json(200, &json!({"id": INSTALLATION}))
        }
        ("POST", path) if path == token => super::json(
            201,
            &json!({"token": secrets::GITHUB_TOKEN, "expires_at": "2099-01-01T00:00:00Z"}),
        ),
        _ => refuse(404, "Not Found"),
    }
}

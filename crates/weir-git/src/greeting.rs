//! The first words of a conversation: which protocol the server speaks, what it can do, and by old protocols its refs.
//!
//! The library's own handshake panics on a server of the old protocols that says where a ref leads which it does not
//! list. Servers that hide HEAD do so. Nothing here needs to know where symbolic refs lead, so they are read as
//! others are.

use gix::protocol::Handshake;
use gix::protocol::handshake::refs::from_v1_refs_received_as_part_of_handshake_and_capabilities as read_refs;
use gix::protocol::transport::client::blocking_io::{SetServiceResponse, Transport};
use gix::protocol::transport::{Protocol, Service};

use crate::remote::chain;

/// Greets a server that is to hand out packs.
///
/// # Errors
/// What the transport or the server says, or what is no answer.
pub(crate) fn greet(transport: &mut impl Transport) -> Result<Handshake, String> {
    let supported = transport.supported_protocol_versions().to_vec();
    let answer = transport.handshake(Service::UploadPack, &[]);
    let SetServiceResponse {
        actual_protocol,
        capabilities,
        refs,
    } = answer.map_err(|error| chain(&error))?;
    if !supported.is_empty() && !supported.contains(&actual_protocol) {
        return Err(format!("the server speaks protocol {actual_protocol:?}"));
    }
    let listed = match refs {
        Some(mut refs) if actual_protocol != Protocol::V2 => {
            let listed = read_refs(&mut refs, std::iter::empty());
            Some(listed.map_err(|error| chain(&error))?)
        }
        _ => None,
    };
    let (refs, v1_shallow_updates) = listed.unzip();
    Ok(Handshake {
        server_protocol_version: actual_protocol,
        refs,
        v1_shallow_updates,
        capabilities,
    })
}

#[cfg(test)]
mod tests {
    use gix::protocol::handshake::Ref;
    use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};

    use super::*;

    fn line(text: &str) -> String {
        format!("{:04x}{text}", text.len() + 4)
    }

    fn greeted(lines: &[&str]) -> Result<Handshake, String> {
        let said: String = lines.iter().map(|text| line(text)).collect();
        let said = format!("{said}0000");
        let mut transport = Connection::new(
            said.as_bytes(),
            std::io::sink(),
            Protocol::V2,
            "/app.git",
            None::<(&str, _)>,
            ConnectMode::Process,
            false,
        );
        greet(&mut transport)
    }

    #[test]
    fn symbolic_refs_need_not_be_listed() {
        let id = "9e8ce887649089372c132e9d935286d7e041df62";
        for capabilities in ["symref=HEAD:refs/heads/main", "symref=:", "symref", ""] {
            let first = format!("{id} refs/heads/main\0multi_ack {capabilities}\n");
            let handshake = greeted(&[&first]).expect("a greeting");
            let refs = handshake.refs.expect("refs by the old protocol");
            assert!(
                matches!(&refs[..], [Ref::Direct { full_ref_name, .. }] if full_ref_name == "refs/heads/main"),
                "{refs:?}"
            );
        }
    }

    #[test]
    fn annotated_tags_keep_what_they_point_at() {
        let (tag, commit) = ("1".repeat(40), "2".repeat(40));
        let handshake = greeted(&[
            &format!("{commit} HEAD\0symref=HEAD:refs/heads/main\n"),
            &format!("{commit} refs/heads/main\n"),
            &format!("{tag} refs/tags/v1\n"),
            &format!("{commit} refs/tags/v1^{{}}\n"),
        ]);
        let refs = handshake.expect("a greeting").refs.expect("refs");
        assert_eq!(refs.len(), 3);
        assert!(matches!(&refs[2], Ref::Peeled { .. }));
    }

    #[test]
    fn what_is_no_greeting_is_an_error() {
        for lines in [&["hello\n"][..], &["\0\n"], &["x refs/heads/main\0a\n"]] {
            assert!(greeted(lines).is_err(), "{lines:?}");
        }
    }
}

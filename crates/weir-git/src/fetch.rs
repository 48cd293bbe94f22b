//! One pack from a server.

use std::num::NonZeroU32;
use std::path::Path;

use gix::ObjectId;
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::{Handshake, command};

use crate::pack::{Pack, receive};
use crate::remote::{Limits, chain};
use crate::session::Session;

/// How much history comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The wanted commits alone.
    One,
    /// All of it.
    Full,
}

/// What to fetch and where to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) wants: &'a [ObjectId],
    pub(crate) depth: Depth,
    /// Leave out files. Only of servers that [can](can_filter).
    pub(crate) without_files: bool,
    pub(crate) directory: &'a Path,
    pub(crate) limits: Limits,
}

/// How we introduce ourselves inside the protocol.
pub(crate) fn agent() -> command::Feature {
    (
        "agent",
        Some(concat!("weir/", env!("CARGO_PKG_VERSION")).into()),
    )
}

/// Whether the server can leave out files, and hands out any of them by its hash afterwards.
pub(crate) fn can_filter(handshake: &Handshake) -> bool {
    // By the old protocols, what was not listed is not handed out.
    handshake.server_protocol_version == Protocol::V2
        && handshake
            .capabilities
            .capability("fetch")
            .is_some_and(|fetch| fetch.supports("filter").unwrap_or_default())
}

/// Fetches a pack and indexes it.
pub(crate) fn pack(
    transport: &mut impl Transport,
    handshake: &mut Handshake,
    job: &Job<'_>,
    session: &Session,
) -> Result<Pack, String> {
    let folder = tempfile::Builder::new()
        .prefix("objects-")
        .tempdir_in(job.directory)
        .map_err(|error| error.to_string())?;
    let shallow = match job.depth {
        Depth::One => Shallow::DepthAtRemote(NonZeroU32::MIN),
        Depth::Full => Shallow::NoChange,
    };
    let options = Options {
        shallow_file: folder.path().join("shallow"),
        shallow: &shallow,
        tags: Tags::None,
        reject_shallow_remote: false,
    };
    let context = Context {
        handshake,
        transport,
        user_agent: agent(),
        trace_packetlines: false,
    };
    let mut received = None;
    let outcome = gix::protocol::fetch(
        &mut Everything {
            wants: job.wants,
            without_files: job.without_files,
        },
        |reader, _progress, _interrupt| {
            let pack = receive(reader, folder, session, job.limits);
            received = Some(pack.map_err(gix::Error::from_error)?);
            Ok(true)
        },
        Discard,
        session.interrupt(),
        context,
        options,
    );
    outcome.map_err(|error| chain(&error))?;
    received.ok_or_else(|| "the server sent no pack".to_owned())
}

/// Wants everything and has nothing.
struct Everything<'a> {
    wants: &'a [ObjectId],
    without_files: bool,
}

impl Negotiate for Everything<'_> {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate {
            remote_ref_target_known: vec![false; self.wants.len()],
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        if self.without_files {
            arguments.filter("blob:none");
        }
        for want in self.wants {
            arguments.want(want);
        }
        !self.wants.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut one_round::State,
        _arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        let nothing = Round {
            haves_sent: 0,
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((nothing, true))
    }
}

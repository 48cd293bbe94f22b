//! One pack from a server into a bare object database, bounded in bytes, objects and allocations.

use std::io::{self, BufRead, Read};
use std::num::NonZeroU32;
use std::path::Path;

use gix::ObjectId;
use gix::odb::pack::{Bundle, bundle, data};
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::{Handshake, command};
use tempfile::TempDir;

use crate::remote::{Limits, chain};
use crate::session::Session;

mod inflated;

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

/// Fetches a pack and indexes it. The folder is an object database and vanishes with its handle.
pub(crate) fn pack(
    transport: &mut impl Transport,
    handshake: &mut Handshake,
    job: &Job<'_>,
    session: &Session,
) -> Result<TempDir, String> {
    let objects = tempfile::Builder::new()
        .prefix("objects-")
        .tempdir_in(job.directory)
        .map_err(|error| error.to_string())?;
    let packs = objects.path().join("pack");
    std::fs::create_dir(&packs).map_err(|error| error.to_string())?;
    let shallow = match job.depth {
        Depth::One => Shallow::DepthAtRemote(NonZeroU32::MIN),
        Depth::Full => Shallow::NoChange,
    };
    let options = Options {
        shallow_file: objects.path().join("shallow"),
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
    let outcome = gix::protocol::fetch(
        &mut Everything { wants: job.wants },
        |reader, _progress, _interrupt| index(reader, &packs, session, job.limits),
        Discard,
        session.interrupt(),
        context,
        options,
    );
    match outcome {
        Ok(Some(_)) => Ok(objects),
        Ok(None) => Err("the server sent no pack".to_owned()),
        Err(error) => Err(chain(&error)),
    }
}

fn index(
    reader: &mut dyn BufRead,
    directory: &Path,
    session: &Session,
    limits: Limits,
) -> gix::Result<bool> {
    // Signature, version, number of objects: judged before anything is made for them.
    let mut header = [0; 12];
    reader
        .read_exact(&mut header)
        .map_err(gix::Error::from_error)?;
    let [_, _, _, _, _, _, _, _, count @ ..] = header;
    if u32::from_be_bytes(count) > limits.objects {
        let text = format!("the pack holds more than {} objects", limits.objects);
        return Err(gix::Error::from_error(io::Error::other(text)));
    }
    let mut whole = io::BufReader::new((&header[..]).chain(reader));
    let options = bundle::write::Options {
        thread_limit: Some(1),
        iteration_mode: data::input::Mode::Verify,
        alloc_limit_bytes: Some(limits.object_bytes),
        ..bundle::write::Options::default()
    };
    let written = inflated::bounded(limits.inflated_bytes, session, |progress, stop| {
        Bundle::write_to_directory(
            &mut whole,
            Some(directory),
            progress,
            stop,
            None::<gix::objs::find::Never>,
            gix::hash::Kind::Sha1,
            options,
        )
    })?;
    if written.data_path.is_none() {
        let text = "the server sent an empty pack";
        return Err(gix::Error::from_error(io::Error::other(text)));
    }
    Ok(true)
}

/// Wants everything and has nothing.
struct Everything<'a> {
    wants: &'a [ObjectId],
}

impl Negotiate for Everything<'_> {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate {
            remote_ref_target_known: vec![false; self.wants.len()],
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
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

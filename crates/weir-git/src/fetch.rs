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

pub(crate) fn index(
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

#[cfg(test)]
mod tests {
    /// The first 192 bytes that both files of the SHAttered attack begin with.
    const COMMON: &str = "\
        255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033\
        203020522f547970652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f72\
        53706163652037203020522f4c656e6774682038203020522f42697473506572436f6d706f6e656e7420383e3e0a7374\
        7265616d0affd8fffe00245348412d3120697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01";
    /// What follows in the one, and in the other: both have one SHA-1.
    const PAIR: [&str; 2] = [
        "\
            7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3\
            dc38e96ac22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500\
            eb4ddc0decc1a864790c782c76215660dd309791d06bd0af3f98cda4bc4629b1",
        "\
            7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb7\
            6038e972722fe7ad728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514\
            e74ddc0f2cc1a874cd0c78305a21566461309789606bd0bf3f98cda8044629a1",
    ];

    #[test]
    fn objects_are_hashed_by_who_sees_collisions() {
        let byte = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("is hex");
        for rest in PAIR {
            let hex = format!("{COMMON}{rest}");
            let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| byte(&hex, at)).collect();
            assert_eq!(bytes.len(), 320);
            let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
            hasher.update(&bytes);
            hasher.try_finalize().expect_err("is a collision");
        }
    }
}

//! The bytes of an answer: a file, a part of it, or several parts in a multipart body.

use std::fs::File;
use std::io::SeekFrom;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::plan::{Facts, Plan, Range, content_range};

/// How much of a file is read at a time.
const CHUNK: usize = 64 * 1024;

/// What is sent, and what the headers say about it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) content_type: String,
    pub(super) content_range: Option<String>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    File(Range),
}

impl Sent {
    pub(super) fn of(facts: &Facts, plan: &Plan, kind: &str) -> Self {
        let one = |range| vec![Piece::File(range)];
        let (content_type, content_range, pieces) = match plan {
            Plan::Parts(ranges) => match ranges.as_slice() {
                [range] => {
                    let told = content_range(*range, facts.size);
                    (kind.to_owned(), Some(told), one(*range))
                }
                ranges => {
                    let (content_type, pieces) = multipart(ranges, facts, kind);
                    (content_type, None, pieces)
                }
            },
            _ => (kind.to_owned(), None, one((0, facts.size))),
        };
        Self {
            content_type,
            content_range,
            pieces,
        }
    }

    pub(super) fn length(&self) -> u64 {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len() as u64,
            Piece::File((from, to)) => to - from,
        };
        self.pieces.iter().map(length).sum()
    }

    /// Reads as it is sent; the file ends the answer should it end early.
    pub(super) fn body(self, file: File) -> Body {
        let pieces = stream::iter(self.pieces);
        let chunks = pieces.then(move |piece| {
            let file = file.try_clone();
            async move {
                let range = match piece {
                    Piece::Text(text) => {
                        let whole = stream::once(async { Ok(Bytes::from(text)) });
                        return Ok::<_, std::io::Error>(whole.left_stream());
                    }
                    Piece::File(range) => range,
                };
                let mut file = tokio::fs::File::from_std(file?);
                file.seek(SeekFrom::Start(range.0)).await?;
                let part = file.take(range.1 - range.0);
                Ok(ReaderStream::with_capacity(part, CHUNK).right_stream())
            }
        });
        Body::from_stream(chunks.try_flatten())
    }
}

/// The boundary may be known: a part's end is where its length says, and nobody but us chose the contents' tag.
fn multipart(ranges: &[Range], facts: &Facts, kind: &str) -> (String, Vec<Piece>) {
    let boundary = crate::digest::of(crate::digest::Algorithm::Sha256, facts.tag.as_bytes());
    let boundary = boundary.map_or_else(|_| String::new(), |digest| digest.hex().to_owned());
    let mut pieces = Vec::with_capacity(ranges.len() * 2 + 1);
    for (index, range) in ranges.iter().enumerate() {
        let before = if index == 0 { "" } else { "\r\n" };
        let told = content_range(*range, facts.size);
        pieces.push(Piece::Text(format!(
            "{before}--{boundary}\r\nContent-Range: {told}\r\nContent-Type: {kind}\r\n\r\n"
        )));
        pieces.push(Piece::File(*range));
    }
    pieces.push(Piece::Text(format!("\r\n--{boundary}--\r\n")));
    let content_type = format!("multipart/byteranges; boundary={boundary}");
    (content_type, pieces)
}

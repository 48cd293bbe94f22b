//! Runs recorded builds of kustomize against this engine and counts how many come out the same.
//!
//! `cargo run -p kustomize --release --example corpus -- DIR [--verbose] [--filter TEXT]`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test program reads its cases from disk and prints its counts"
)]

mod cases;
mod rows;

use std::path::PathBuf;
use std::process::ExitCode;

/// What was asked for on the command line.
struct Request {
    corpus: PathBuf,
    verbose: bool,
    filter: String,
}

fn request() -> Option<Request> {
    let mut request = Request {
        corpus: PathBuf::new(),
        verbose: false,
        filter: String::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--verbose" | "-v" => request.verbose = true,
            "--filter" => request.filter = args.next()?,
            "--corpus" => request.corpus = args.next()?.into(),
            path if request.corpus.as_os_str().is_empty() => request.corpus = path.into(),
            _ => return None,
        }
    }
    (!request.corpus.as_os_str().is_empty()).then_some(request)
}

fn main() -> ExitCode {
    let Some(request) = request() else {
        println!("usage: corpus DIR [--verbose] [--filter TEXT]");
        return ExitCode::from(2);
    };
    let result = cases::run(&request).and_then(|cases| Ok(rows::run(&request)? && cases));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{}: {error}", request.corpus.display());
            ExitCode::from(2)
        }
    }
}

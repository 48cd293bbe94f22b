//! Rows of `units/*.jsonl`: one function of the engine each.

use std::io;

use serde_json::Value;

use crate::Request;

/// Runs all rows about this crate and prints the counts per file.
pub(crate) fn run(request: &Request) -> io::Result<bool> {
    let folder = request.corpus.join("units");
    if !folder.is_dir() {
        return Ok(true);
    }
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    files.sort();
    let mut total = (0, 0);
    for path in files {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut counts = (0, 0);
        for (number, line) in std::fs::read_to_string(&path)?.lines().enumerate() {
            let row: Value = serde_json::from_str(line)?;
            let Some(result) = kustomize::units::check(&name, &row) else {
                break;
            };
            counts.1 += 1;
            match result {
                Ok(()) => counts.0 += 1,
                Err(difference) if request.verbose => {
                    println!(
                        "--- units/{name}:{} {}\n     {difference}",
                        number + 1,
                        row["name"]
                    );
                }
                Err(_) => {}
            }
        }
        if counts.1 > 0 {
            println!("units/{name:<28} {:>5}/{}", counts.0, counts.1);
            total = (total.0 + counts.0, total.1 + counts.1);
        }
    }
    println!(
        "units/{:<28} {:>5}/{}",
        "all of this crate", total.0, total.1
    );
    Ok(total.0 == total.1)
}

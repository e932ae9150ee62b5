//! Writes the reports that the tests use, to be looked at: `cargo run -p reports --example preview -- DIR`.

use std::path::Path;

use document::fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("name a directory to write to")?;
    let reports = [
        ("rich", fixture::rich()),
        ("passing", fixture::passing()),
        ("measured", fixture::measured()),
        ("partial", fixture::partial()),
        ("hostile", fixture::hostile()),
        ("crowded", fixture::crowded(6, 5000)),
        ("thousands", fixture::crowded(2000, 3)),
    ];
    for (name, report) in reports {
        reports::write_all(&report, &Path::new(&dir).join(name))?;
    }
    std::fs::write(
        Path::new(&dir).join("rich.txt"),
        reports::summary::render_text(&fixture::rich(), 110, false),
    )?;
    Ok(())
}

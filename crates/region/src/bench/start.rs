//! How long a region takes from `ectype serve` to its first answer, on a new and on an existing
//! data directory, and how much memory the idle server has. Guests are fake.

use std::time::Duration;

use super::{
    Job,
    figure::{Figure, Goal, Report, ms},
    server::Server,
};

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(1);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let folder = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(job.dir)?;
    let (mut new, mut existing, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..job.runs {
        let data = folder.path().join(run.to_string());
        for took in [&mut new, &mut existing] {
            let (server, answered) = Server::start(&data)?;
            took.push(ms(answered));
            std::thread::sleep(IDLE);
            memory.push(server.resident_mib()?);
            server.end()?;
        }
    }
    let figures = [
        Figure::of("first answer, new data directory", "ms", &new, Goal::Below(1000.0)),
        Figure::of("first answer, existing data directory", "ms", &existing, Goal::Below(300.0)),
        Figure::of("resident memory of the idle server", "MiB", &memory, Goal::Below(40.0)),
    ];
    Ok(Report { name: "start", figures: figures.into_iter().flatten().collect() })
}

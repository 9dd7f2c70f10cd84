//! How long a boot volume takes, whatever its size: its row and wrapped key when the request is
//! answered, its empty write layer when its instance runs. Guests are fake, so the second figure
//! is the volume, the job around it and nothing else.

use base::{ByteCount, Clock};
use model::InstanceStatus;

use super::{
    Job,
    figure::{Figure, Goal, Report, ms},
    rig::{self, Rig},
};

/// The smallest and the largest boot volume, in GB.
const CAPACITIES_GB: [u64; 2] = [100, 250];
/// In milliseconds.
const GOAL: Goal = Goal::AtMost(50.0);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let mut answered = [const { Vec::new() }; 2];
        let mut running = [const { Vec::new() }; 2];
        // The first is not counted: it fills caches that a running region has.
        for run in 0..=job.runs {
            for (place, gb) in CAPACITIES_GB.into_iter().enumerate() {
                let began = rig.clock.monotonic();
                let made = rig.instance_create(ByteCount::from_gb(gb)).await?;
                let answer = rig.clock.monotonic() - began;
                rig.instance_is(&made.instance, InstanceStatus::Running).await?;
                if run > 0 {
                    answered[place].push(ms(answer));
                    running[place].push(ms(rig.clock.monotonic() - began));
                }
            }
        }
        rig.end().await?;
        let mut figures = Vec::new();
        for (place, gb) in CAPACITIES_GB.into_iter().enumerate() {
            let name = format!("boot volume of {gb} GB, request answered");
            figures.extend(Figure::of(name, "ms", &answered[place], GOAL));
            let name = format!("boot volume of {gb} GB, in use by its instance");
            figures.extend(Figure::of(name, "ms", &running[place], GOAL));
        }
        Ok(Report { name: "provision", figures })
    })
}

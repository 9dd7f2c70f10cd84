//! Figures: what was measured, a peer's beside it, the goal, and whether it is met.

use std::{fmt::Write as _, time::Duration};

use serde::Serialize;

/// The least, the middle and the most of what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one; the mean of the two in the middle when they are an even number.
    pub median: f64,
    /// The most.
    pub max: f64,
}

/// The same work by another program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Peer {
    /// Its name and what it was told.
    pub name: String,
    /// What it took.
    #[serde(flatten)]
    pub spread: Spread,
}

/// What a figure is held to; the median counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Less than this.
    Below(f64),
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// At least so many times as good as the peer: as fast, or of a rate as much.
    TimesPeer(f64),
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    figure: String,
    unit: &'static str,
    ours: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
    /// How many times as good as the peer, by the medians: how many times as long the peer took
    /// or, of a rate, how many times as much as the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    goal: String,
    met: bool,
    /// More is better.
    #[serde(skip)]
    rate: bool,
    #[serde(skip)]
    held_to: Goal,
}

/// What a benchmark says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The benchmark.
    pub name: &'static str,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// To the thousandth: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// In milliseconds.
pub fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

impl Spread {
    /// Of what was measured; `None` of nothing.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let lower = sorted.len().div_ceil(2) - 1;
        let median = f64::midpoint(*sorted.get(lower)?, *sorted.get(upper)?);
        Some(Self { min: rounded(min), median: rounded(median), max: rounded(max) })
    }
}

impl Goal {
    fn met(self, median: f64, ratio: Option<f64>) -> bool {
        match self {
            Self::Below(limit) => median < limit,
            Self::AtMost(limit) => median <= limit,
            Self::AtLeast(limit) => median >= limit,
            Self::TimesPeer(limit) => ratio.is_some_and(|ratio| ratio >= limit),
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::Below(limit) => format!("< {limit} {unit}"),
            Self::AtMost(limit) => format!("<= {limit} {unit}"),
            Self::AtLeast(limit) => format!(">= {limit} {unit}"),
            Self::TimesPeer(limit) => format!(">= {} times the peer", rounded(limit)),
        }
    }
}

impl Figure {
    /// A figure of ours; `None` when nothing was measured.
    pub fn of(
        figure: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        goal: Goal,
    ) -> Option<Self> {
        let ours = Spread::of(samples)?;
        Some(Self {
            figure: figure.into(),
            unit,
            ours,
            peer: None,
            ratio: None,
            goal: goal.text(unit),
            met: goal.met(ours.median, None),
            rate: false,
            held_to: goal,
        })
    }

    /// A figure of which more is better.
    pub fn rate(
        figure: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        goal: Goal,
    ) -> Option<Self> {
        Some(Self { rate: true, ..Self::of(figure, unit, samples, goal)? })
    }

    /// With what a peer took; unchanged when it was not measured.
    #[must_use]
    pub fn beside(mut self, name: &str, samples: &[f64]) -> Self {
        if let Some(spread) = Spread::of(samples) {
            let (ours, theirs) = (self.ours.median, spread.median);
            let (better, worse) = if self.rate { (ours, theirs) } else { (theirs, ours) };
            self.ratio = (worse > 0.0).then(|| rounded(better / worse));
            self.met = self.held_to.met(ours, self.ratio);
            self.peer = Some(Peer { name: name.to_owned(), spread });
        }
        self
    }
}

impl Report {
    /// For people.
    pub fn table(&self) -> String {
        let mut rows = vec![["figure", "min", "median", "max", "goal", "met"].map(str::to_owned)];
        let number = |value: f64| format!("{value:.1}");
        for figure in &self.figures {
            let met = if figure.met { "yes" } else { "NO" };
            let of = |name: String, spread: &Spread, goal: &str, met: &str| {
                let Spread { min, median, max } = *spread;
                [name, number(min), number(median), number(max), goal.to_owned(), met.to_owned()]
            };
            let name = format!("{} ({})", figure.figure, figure.unit);
            rows.push(of(name, &figure.ours, &figure.goal, met));
            if let Some(peer) = &figure.peer {
                let of_what = if figure.rate { "ours is {} times it" } else { "{} times ours" };
                let said = |r: f64| of_what.replace("{}", &format!("{r:.2}"));
                let ratio = figure.ratio.map(said).unwrap_or_default();
                rows.push(of(format!("  {}", peer.name), &peer.spread, &ratio, ""));
            }
        }
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<_> = (0..6).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = format!("{:<1$}", row[0], widths[0]);
            for column in 1..4 {
                let _ = write!(line, "  {:>1$}", row[column], widths[column]);
            }
            for column in 4..6 {
                let _ = write!(line, "  {:<1$}", row[column], widths[column]);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = |samples: &[f64]| Spread::of(samples).map(|s| (s.min, s.median, s.max));
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[2.0]), Some((2.0, 2.0, 2.0)));
        assert_eq!(spread(&[9.0, 1.0]), Some((1.0, 5.0, 9.0)));
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((1.0, 2.0, 3.0)));
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some((1.0, 2.5, 4.0)));
        assert_eq!(spread(&[1.23456]), Some((1.235, 1.235, 1.235)));
    }

    #[test]
    fn a_goal_is_met_at_its_limit_or_only_below_it() {
        let at_least = Goal::AtLeast(50.0);
        assert!(at_least.met(50.0, None) && !at_least.met(49.9, None));
        assert_eq!(at_least.text("images/s"), ">= 50 images/s");
        for (goal, at_limit, text) in
            [(Goal::AtMost(50.0), true, "<= 50 ms"), (Goal::Below(50.0), false, "< 50 ms")]
        {
            assert_eq!(goal.met(50.0, None), at_limit);
            assert!(goal.met(49.9, None) && !goal.met(50.1, None));
            assert_eq!(goal.text("ms"), text);
        }
    }

    #[test]
    fn a_goal_beside_a_peer_is_met_by_the_ratio_and_never_without_one() {
        let goal = Goal::TimesPeer(0.5);
        let took = |ms: f64| Figure::of("copy", "ms", &[ms], goal).unwrap();
        let rate = |much: f64| Figure::rate("reads", "IOPS", &[much], goal).unwrap();
        assert!(!took(1.0).met && !rate(1.0).met);
        for (figure, ratio, met) in [
            (took(200.0), 0.5, true),
            (took(201.0), 0.498, false),
            (rate(50.0), 0.5, true),
            (rate(49.0), 0.49, false),
        ] {
            let figure = figure.beside("peer", &[100.0]);
            assert_eq!((figure.ratio, figure.met), (Some(ratio), met));
        }
    }

    fn report() -> Report {
        let with = Figure::of("capture", "ms", &[100.0, 300.0, 200.0], Goal::AtMost(1500.0));
        let with = with.unwrap().beside("cp", &[400.0, 500.0, 450.0]);
        let without = Figure::of("memory", "MiB", &[41.5], Goal::Below(40.0)).unwrap();
        Report { name: "capture", figures: vec![with, without.beside("nobody", &[])] }
    }

    #[test]
    fn the_json_has_the_shape_that_every_benchmark_keeps() {
        let shape = serde_json::json!({
            "name": "capture",
            "figures": [
                {
                    "figure": "capture", "unit": "ms",
                    "ours": {"min": 100.0, "median": 200.0, "max": 300.0},
                    "peer": {"name": "cp", "min": 400.0, "median": 450.0, "max": 500.0},
                    "ratio": 2.25, "goal": "<= 1500 ms", "met": true
                },
                {
                    "figure": "memory", "unit": "MiB",
                    "ours": {"min": 41.5, "median": 41.5, "max": 41.5},
                    "goal": "< 40 MiB", "met": false
                }
            ]
        });
        assert_eq!(serde_json::to_value(report()).unwrap(), shape);
    }

    #[test]
    fn the_table_has_a_line_for_each_figure_and_each_peer() {
        let table = report().table();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert!(lines[1].ends_with("<= 1500 ms       yes"), "{table}");
        assert!(lines[2].contains("2.25 times ours"), "{table}");
        assert!(lines[3].ends_with("< 40 MiB         NO"), "{table}");
    }
}

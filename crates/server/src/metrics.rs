//! Counters and times by operation, in Prometheus' text format. Kept by hand: a fixed array, no
//! locks, nothing that a client names becomes a label.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::http::StatusCode;

use crate::operations::{OPERATIONS, Operation};

/// Upper bounds of the histogram, in microseconds.
const BOUNDS_US: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

#[derive(Default)]
struct Figures {
    /// By hundreds of the status: 1xx to 5xx.
    by_class: [AtomicU64; 5],
    /// By bound; the last one is without bound.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// The figures of all operations; the last row is for what is no operation.
pub(crate) struct Metrics {
    rows: Vec<Figures>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { rows: (0..=OPERATIONS.len()).map(|_| Figures::default()).collect() }
    }

    /// Counts one answer.
    pub(crate) fn observe(
        &self,
        operation: Option<&Operation>,
        status: StatusCode,
        took: Duration,
    ) {
        let place = operation.and_then(|o| OPERATIONS.iter().position(|p| std::ptr::eq(o, p)));
        let row = &self.rows[place.unwrap_or(OPERATIONS.len())];
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().position(|b| us <= *b).unwrap_or(BOUNDS_US.len());
        row.by_class[class].fetch_add(1, Ordering::Relaxed);
        row.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        row.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Everything that was counted; operations without requests are left out.
    pub(crate) fn text(&self) -> String {
        let mut out = String::from(
            "# HELP ectype_requests_total Answers by operation and class of status.\n\
             # TYPE ectype_requests_total counter\n",
        );
        let names = OPERATIONS.iter().map(|o| o.name).chain(std::iter::once("none"));
        let rows: Vec<_> = self.rows.iter().zip(names).filter(|(row, _)| row.seen() > 0).collect();
        for (row, name) in &rows {
            for (class, count) in row.by_class.iter().enumerate() {
                let (class, count) = (class + 1, count.load(Ordering::Relaxed));
                if count > 0 {
                    let labels = format!("operation=\"{name}\",status=\"{class}xx\"");
                    let _ = writeln!(out, "ectype_requests_total{{{labels}}} {count}");
                }
            }
        }
        out.push_str(
            "# HELP ectype_request_seconds Time to answer by operation.\n\
             # TYPE ectype_request_seconds histogram\n",
        );
        for (row, name) in &rows {
            row.histogram(name, &mut out);
        }
        out
    }
}

impl Figures {
    fn seen(&self) -> u64 {
        self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).sum()
    }

    fn histogram(&self, name: &str, out: &mut String) {
        let mut total = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            let bound = BOUNDS_US.get(place).map_or("+Inf".to_owned(), |us| seconds(*us));
            let labels = format!("operation=\"{name}\",le=\"{bound}\"");
            let _ = writeln!(out, "ectype_request_seconds_bucket{{{labels}}} {total}");
        }
        let sum = seconds(self.sum_us.load(Ordering::Relaxed));
        let _ = writeln!(out, "ectype_request_seconds_sum{{operation=\"{name}\"}} {sum}");
        let _ = writeln!(out, "ectype_request_seconds_count{{operation=\"{name}\"}} {total}");
    }
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_operation_and_class() {
        let metrics = Metrics::new();
        let operation = &OPERATIONS[0];
        metrics.observe(Some(operation), StatusCode::OK, Duration::from_micros(700));
        metrics.observe(Some(operation), StatusCode::NOT_FOUND, Duration::from_secs(60));
        metrics.observe(None, StatusCode::NOT_FOUND, Duration::ZERO);
        let text = metrics.text();
        let name = operation.name;
        for line in [
            format!("ectype_requests_total{{operation=\"{name}\",status=\"2xx\"}} 1"),
            format!("ectype_requests_total{{operation=\"{name}\",status=\"4xx\"}} 1"),
            "ectype_requests_total{operation=\"none\",status=\"4xx\"} 1".to_owned(),
            format!("ectype_request_seconds_bucket{{operation=\"{name}\",le=\"0.000500\"}} 0"),
            format!("ectype_request_seconds_bucket{{operation=\"{name}\",le=\"0.001000\"}} 1"),
            format!("ectype_request_seconds_bucket{{operation=\"{name}\",le=\"+Inf\"}} 2"),
            format!("ectype_request_seconds_sum{{operation=\"{name}\"}} 60.000700"),
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}

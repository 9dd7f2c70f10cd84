//! Ectype's own, under `/_ectype/v1`: for everyone, and for the operator.

use model::{
    ActionKind, ImageGuard, ImageStatus, ImageStatusReason, ImageTrigger, InstanceStatus,
    VolumeStatus,
};

use super::{
    Schema, Shapes,
    build::{
        anything, count, crn, date, flag, has, href, id, just, list, may, number, object, one_of,
        text, text_up_to, to, word,
    },
    operation::{Described, act, begin, create, read},
};
use crate::request::{
    ADVANCE_SECONDS_MAX, FAULT_CALLS_MAX, FAULT_DELAY_MS_MAX, FAULT_RETRY_AFTER_MAX,
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        read("ectype_image_progress", to("ImageProgress")),
        read("ectype_image_storage", to("ImageStorage"))
            .by("measure", flag().about("Also say what the image holds alone.")),
        begin("ectype_image_isolate", Some(to("ImageIsolation")))
            .about("Seals the image anew under keys of its own."),
        read("ectype_image_isolation", to("ImageIsolation")),
        read("ectype_image_lineage", to("ImageLineage")),
        read("ectype_instance_console_log", to("ConsoleLog"))
            .by("offset", count())
            .by("limit", number(1_u64, 1_u64 << 20).usually(65_536)),
        read("ectype_transitions", to("Transitions")),
        read("ectype_openapi", anything()).about("This document."),
        read("ectype_clock", to("RegionClock")),
        read("ectype_clock_move", to("RegionClock")).takes(to("ClockMove")),
        read("ectype_faults", object([has("faults", list(to("Fault")))])),
        create("ectype_fault_create", to("FaultPrototype"), to("Fault")),
        act("ectype_faults_delete"),
        act("ectype_fault_delete"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    figures(into);
    into.add(
        "ConsoleLog",
        object([
            has("instance_id", id()),
            has("next_offset", count()),
            has("offset", count()),
            has("text", text()),
            has("total_bytes", count()),
        ]),
    );
    lineage(into);
    transitions(into);
    clock(into);
    faults(into);
}

fn figures(into: &mut Shapes) {
    into.add(
        "ImageProgress",
        object([
            has("bytes_per_second", count()),
            has("bytes_read", count()),
            has("bytes_stored", count()),
            has("chunks_done", count()),
            has("chunks_total", count()),
            may("eta_seconds", count()),
            has("image_id", id()),
            may("started_at", date()),
            has("step", word(["queued", "freezing", "sealing", "committing", "done", "failed"])),
        ]),
    );
    into.add(
        "ImageStorage",
        object([
            has("capacity_bytes", count()),
            has("image_id", id()),
            may("logical_bytes", count().about("Bytes that are not holes.")),
            may("reclaimable_bytes", count()),
            may("root_id", text()),
            may("stored_bytes", count().about("Bytes that the capture added to the store.")),
            may("unique_bytes", count()),
        ]),
    );
    into.add(
        "ImageIsolation",
        object([
            may("failure", text()),
            may("from_root_id", text()),
            has("image_id", id()),
            may("root_id", text()),
            has("step", text()),
            may("stored_bytes", count()),
        ]),
    );
}

fn lineage(into: &mut Shapes) {
    into.add(
        "Descendants",
        object([
            has("items", list(object([has("href", href()), has("id", id()), has("name", text())]))),
            has("total_count", count()),
        ]),
    );
    let ancestor = object([
        has("account_id", id()),
        has("crn", crn()),
        has("deleted", flag()),
        has("href", href()),
        has("id", id()),
        has("name", text()),
    ]);
    into.add(
        "ImageLineage",
        object([
            has("ancestors", list(ancestor)),
            has("image_id", id()),
            has("images", to("Descendants")),
            has("instances", to("Descendants")),
            has("volumes", to("Descendants")),
        ]),
    );
}

fn image_status() -> Schema {
    word(ImageStatus::ALL.iter().map(|s| s.as_str()))
}

fn transitions(into: &mut Shapes) {
    let image = object([
        has("from", image_status()),
        has("on", word(ImageTrigger::ALL.iter().map(|t| t.as_str()))),
        has("to", image_status()),
        has("when", list(word(ImageGuard::ALL.iter().map(|g| g.as_str())))),
    ]);
    let instance = object([
        has("action", word(ActionKind::ALL.iter().map(|a| a.as_str()))),
        has("course", word(["no_effect", "now", "queued"])),
        has("force", flag()),
        has("status", word(InstanceStatus::ALL.iter().map(|s| s.as_str()))),
    ]);
    into.add("Transitions", object([has("images", list(image)), has("instances", list(instance))]));
}

fn clock(into: &mut Shapes) {
    into.add(
        "RegionClock",
        object([
            has("frozen", flag()),
            may("next_due_at", date()),
            has("region_time", date()),
            has("virtual", flag()),
            has("wall_time", date()),
        ]),
    );
    let seconds = number(1_u64, ADVANCE_SECONDS_MAX);
    into.add(
        "ClockMove",
        one_of([
            object([has("action", word(["freeze", "resume", "advance_to_next_due"]))])
                .titled("ClockSwitch"),
            object([has("action", just("advance")), has("seconds", seconds)])
                .titled("ClockAdvance"),
        ]),
    );
}

fn faults(into: &mut Shapes) {
    let kind = |word| has("type", just(word));
    let calls = || {
        [
            has("operation", text_up_to(128).like("create_image").about("`*` is every one.")),
            may("count", number(1_u64, FAULT_CALLS_MAX).usually(1)),
        ]
    };
    let statuses = || word(VolumeStatus::ALL.iter().map(|s| s.as_str()));
    let reason = word(ImageStatusReason::ALL.iter().map(|r| r.as_str()));
    let retry_after = || may("retry_after", number(0_u64, FAULT_RETRY_AFTER_MAX));
    into.add(
        "FaultPrototype",
        one_of([
            object([kind("answer"), has("status", answers()), retry_after()])
                .and(calls())
                .titled("FaultPrototypeAnswer"),
            object([kind("delay"), has("delay_ms", number(1_u64, FAULT_DELAY_MS_MAX))])
                .and(calls())
                .titled("FaultPrototypeDelay"),
            object([
                kind("image_status"),
                has("id", id()),
                has("status", image_status()),
                may("status_reason", reason),
            ])
            .titled("FaultPrototypeImageStatus"),
            object([kind("volume_status"), has("id", id()), has("status", statuses())])
                .titled("FaultPrototypeVolumeStatus"),
        ]),
    );
    let every = || [has("id", id()), has("since", date())];
    let called = || [has("operation", text()), has("remaining", count())];
    let forced = || [has("resource_id", id()), has("status_before", text())];
    into.add(
        "Fault",
        one_of([
            object([kind("answer"), has("status", answers()), retry_after()])
                .and(every())
                .and(called())
                .titled("FaultAnswer"),
            object([kind("delay"), has("delay_ms", count())])
                .and(every())
                .and(called())
                .titled("FaultDelay"),
            object([
                kind("image_status"),
                has("status", image_status()),
                may("status_reason", text()),
            ])
            .and(every())
            .and(forced())
            .titled("FaultImageStatus"),
            object([kind("volume_status"), has("status", statuses())])
                .and(every())
                .and(forced())
                .titled("FaultVolumeStatus"),
        ]),
    );
}

fn answers() -> Schema {
    super::build::numbers([429, 500, 503])
}

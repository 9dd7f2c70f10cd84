use base::SeededEntropy;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn keeper() -> Keeper {
    let facts = Facts {
        id: "vol".into(),
        generation: 1,
        serves: "volume".into(),
        supervisor_pid: 2,
        socket: "/s".into(),
    };
    let (keeper, effects) = Keeper::new(facts, Duration::ZERO);
    assert_eq!(effects, [Effect::Spawn]);
    keeper
}

fn ready() -> Notice {
    Notice::Event(Event::Ready { size_bytes: 1, fell_back: false })
}

fn died() -> Notice {
    Notice::Exited { how: "killed by signal 9".into() }
}

fn cannot_open(again: bool) -> Notice {
    Notice::Event(Event::Failed { kind: FailureKind::Corrupt, reason: "damaged".into(), again })
}

#[test]
fn a_dead_engine_is_replaced_at_once_and_one_that_keeps_dying_after_a_pause() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    assert_eq!(keeper.apply(died(), SECOND), [Effect::Spawn]);
    assert_eq!(keeper.apply(died(), SECOND), []);
    let mut pause = PAUSE_FIRST;
    for _ in 0..12 {
        assert_eq!(keeper.next_tick(), Some(SECOND + pause));
        let early = SECOND + pause.saturating_sub(Duration::from_millis(1));
        assert_eq!(keeper.apply(Notice::Tick, early), []);
        assert_eq!(keeper.apply(Notice::Tick, SECOND + pause), [Effect::Spawn]);
        assert_eq!(keeper.apply(died(), SECOND), []);
        pause = (pause * 2).min(PAUSE_MAX);
    }
    assert_eq!(pause, PAUSE_MAX, "and never gives a guest up");
}

#[test]
fn an_engine_that_served_for_a_while_is_replaced_at_once_again() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    let mut now = SECOND;
    for _ in 0..3 {
        now += HEALTHY_AFTER;
        assert_eq!(keeper.apply(died(), now), [Effect::Spawn]);
        keeper.apply(ready(), now);
    }
}

#[test]
fn a_layer_that_cannot_be_opened_is_reported_and_not_tried_again() {
    let mut keeper = keeper();
    assert_eq!(keeper.apply(Notice::Asked(1, Ask::AwaitReady { deadline_ms: 9 }), SECOND), []);
    keeper.apply(cannot_open(false), SECOND);
    let effects = keeper.apply(died(), SECOND);
    let [Effect::Answer(1, Reply::Status(status))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(status.state, ExportState::Failed);
    assert_eq!(status.failure.as_ref().unwrap().reason, "damaged");
    let effects = keeper.apply(Notice::Asked(2, Ask::Stop { deadline_ms: 9 }), SECOND);
    let stopped = Reply::Stopped { clean: false, reason: "damaged".into() };
    assert_eq!(effects, [Effect::Answer(2, stopped), Effect::Exit]);
}

#[test]
fn an_export_that_never_served_is_given_up_after_some_tries() {
    let mut keeper = keeper();
    let mut spawned = 1;
    let mut now = SECOND;
    loop {
        keeper.apply(cannot_open(true), now);
        keeper.apply(died(), now);
        if keeper.status(None).state == ExportState::Failed {
            break;
        }
        now += PAUSE_MAX;
        keeper.apply(Notice::Tick, now);
        spawned += 1;
    }
    assert_eq!(spawned, OPEN_TRIES);
}

#[test]
fn a_stop_is_answered_when_the_engine_has_closed_and_gone() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    let effects = keeper.apply(Notice::Asked(1, Ask::Stop { deadline_ms: 5_000 }), SECOND);
    assert_eq!(effects, [Effect::Tell(Order::Stop)]);
    let closed = Event::Closed { clean: true, reason: String::new() };
    assert_eq!(keeper.apply(Notice::Event(closed), SECOND), []);
    let effects = keeper.apply(Notice::Exited { how: "exit 0".into() }, SECOND);
    let stopped = Reply::Stopped { clean: true, reason: String::new() };
    assert_eq!(effects, [Effect::Answer(1, stopped), Effect::Exit]);
}

#[test]
fn an_engine_that_does_not_close_is_killed_at_the_deadline_and_that_is_told() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    keeper.apply(Notice::Asked(1, Ask::Stop { deadline_ms: 1_000 }), SECOND);
    assert_eq!(keeper.next_tick(), Some(2 * SECOND));
    assert_eq!(keeper.apply(Notice::Tick, 2 * SECOND), [Effect::Kill]);
    assert_eq!(keeper.next_tick(), None, "it is killed once");
    let effects = keeper.apply(died(), 2 * SECOND);
    let stopped = Reply::Stopped { clean: false, reason: "killed by signal 9".into() };
    assert_eq!(effects, [Effect::Answer(1, stopped), Effect::Exit]);
}

#[test]
fn a_stop_between_two_engines_starts_one_more_to_close_the_layer() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    keeper.apply(died(), SECOND);
    keeper.apply(died(), SECOND);
    let effects = keeper.apply(Notice::Asked(1, Ask::Stop { deadline_ms: 1_000 }), SECOND);
    assert_eq!(effects, [Effect::Spawn, Effect::Tell(Order::Stop)]);
}

#[test]
fn a_status_waits_for_counters_but_not_long() {
    let mut keeper = keeper();
    keeper.apply(ready(), SECOND);
    let asked = keeper.apply(Notice::Asked(1, Ask::Status), SECOND);
    assert_eq!(asked, [Effect::Tell(Order::Stats)]);
    let stats = Stats { requests: 4, ..Stats::default() };
    let effects = keeper.apply(Notice::Event(Event::Stats(stats)), SECOND);
    let [Effect::Answer(1, Reply::Status(status))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(status.stats, Some(stats));
    keeper.apply(Notice::Asked(2, Ask::Status), SECOND);
    let effects = keeper.apply(Notice::Tick, SECOND + STATS_DEADLINE);
    let [Effect::Answer(2, Reply::Status(status))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(status.stats, None);
}

#[test]
fn only_a_replacement_that_fell_back_asks_for_a_reset() {
    let fell_back = Notice::Event(Event::Ready { size_bytes: 1, fell_back: true });
    let mut keeper = keeper();
    keeper.apply(fell_back.clone(), SECOND);
    assert!(!keeper.status(None).guest_must_reset);
    keeper.apply(died(), SECOND);
    keeper.apply(fell_back, SECOND);
    assert!(keeper.status(None).guest_must_reset);
}

#[test]
fn growth_is_told_to_the_engine_and_to_those_after_it() {
    let mut keeper = keeper();
    let grow = |token| Notice::Asked(token, Ask::Grow { capacity_bytes: 9 });
    let early = keeper.apply(grow(1), SECOND);
    assert!(matches!(early[..], [Effect::Answer(1, Reply::Refused { .. })]));
    keeper.apply(ready(), SECOND);
    let order = Order::Grow { capacity_bytes: 9 };
    assert_eq!(keeper.apply(grow(2), SECOND), [Effect::Capacity(9), Effect::Tell(order)]);
    let done = keeper.apply(Notice::Event(Event::Grown { refused: None }), SECOND);
    assert_eq!(done, [Effect::Answer(2, Reply::Grown)]);
    keeper.apply(grow(3), SECOND);
    let died = keeper.apply(died(), SECOND);
    assert!(matches!(died[..], [Effect::Answer(3, Reply::Refused { .. }), Effect::Spawn]));
}

/// Any order of notices: never two engines, one answer to each question, none after the end.
#[test]
fn a_share_of_the_cache_is_told_to_the_engine_and_to_those_after_it() {
    let mut keeper = keeper();
    let grant = |token| Notice::Asked(token, Ask::Cache { bytes: 9 });
    let told = Effect::Tell(Order::Cache { bytes: 9 });
    let answer = |token| Effect::Answer(token, Reply::Granted);
    let starting = keeper.apply(grant(1), SECOND);
    assert_eq!(starting, [Effect::Cache(9), told.clone(), answer(1)]);
    keeper.apply(ready(), SECOND);
    assert_eq!(keeper.apply(grant(2), SECOND), [Effect::Cache(9), told, answer(2)]);
    keeper.apply(died(), SECOND);
    keeper.apply(died(), SECOND);
    assert_eq!(keeper.apply(grant(3), SECOND), [Effect::Cache(9), answer(3)], "between two");
}

#[test]
fn no_order_of_notices_makes_two_engines_or_forgets_a_question() {
    for seed in 0..400 {
        let random = SeededEntropy::new(seed);
        let mut keeper = keeper();
        let (mut engines, mut now, mut gone) = (1, SECOND, false);
        let mut open = std::collections::BTreeSet::new();
        for token in 0..200 {
            let pick = |n: u64| random.next_u64() % n;
            now += Duration::from_millis(pick(700));
            let notice = match pick(12) {
                0 => Notice::Spawned { pid: 7 },
                1 if engines == 1 => ready(),
                2 if engines == 1 => cannot_open(pick(4) > 0),
                3 | 4 if engines == 1 => {
                    engines = 0;
                    died()
                }
                5 if engines == 1 => {
                    Notice::Event(Event::Closed { clean: true, reason: String::new() })
                }
                6 => Notice::Asked(token, Ask::Status),
                7 => Notice::Asked(token, Ask::AwaitReady { deadline_ms: pick(3_000) }),
                8 if pick(10) == 0 => Notice::Asked(token, Ask::Stop { deadline_ms: pick(900) }),
                9 if pick(20) == 0 => Notice::Terminate { deadline: SECOND },
                10 if pick(2) == 0 => Notice::Asked(token, Ask::Grow { capacity_bytes: 9 }),
                10 if pick(2) == 0 => Notice::Asked(token, Ask::Cache { bytes: 9 }),
                10 => Notice::Asked(token, Ask::Ping),
                _ => Notice::Tick,
            };
            if let Notice::Asked(token, _) = &notice {
                open.insert(*token);
            }
            for effect in keeper.apply(notice, now) {
                match effect {
                    Effect::Spawn => engines += 1,
                    Effect::Answer(token, _) => assert!(open.remove(&token), "seed {seed}"),
                    Effect::Exit => gone = true,
                    Effect::Capacity(_) | Effect::Cache(_) => {}
                    Effect::Kill | Effect::Tell(_) => assert_eq!(engines, 1, "seed {seed}"),
                }
                assert!(engines <= 1, "seed {seed}");
            }
            if gone {
                assert_eq!((engines, open.len()), (0, 0), "seed {seed}");
                break;
            }
        }
    }
}

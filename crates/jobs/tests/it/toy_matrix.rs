use jobs::matrix::{run, run_zombies};

use crate::toy::{Mistake, ToyWorld};

#[tokio::test]
async fn a_sound_job_passes_every_case() {
    let cases = run(|| async { ToyWorld::new(Mistake::None) }).await.expect_clean();
    let zombies = run_zombies(|| async { ToyWorld::new(Mistake::None) }).await.expect_clean();
    println!("crash matrix: {cases} cases, {zombies} with a late worker");
    assert!(cases > 50, "{cases}");
    assert_eq!(zombies, 5);
}

#[tokio::test]
async fn a_missing_undo_is_found() {
    let report = run(|| async { ToyWorld::new(Mistake::NoUndo) }).await;
    assert!(report.failures.iter().any(|f| f.contains("pages: {1, 2}")), "{report:?}");
}

#[tokio::test]
async fn a_step_that_may_not_be_repeated_is_found() {
    let report = run(|| async { ToyWorld::new(Mistake::NotIdempotent) }).await;
    assert!(report.failures.iter().any(|f| f.contains("step 2 Twice")), "{report:?}");
    assert!(report.failures.iter().any(|f| f.contains("killed before")), "{report:?}");
}

#[tokio::test]
async fn an_effect_without_a_fence_is_found() {
    let report = run_zombies(|| async { ToyWorld::new(Mistake::Unfenced) }).await;
    assert!(report.failures.iter().any(|f| f.contains("step 0 Zombie")), "{report:?}");
}

//! Events and usage: once for each change, in its transaction.

use model::{Outcome, UsageChange};
use policy::Action;

use super::{
    FreshStore,
    world::{World, system},
};

/// Events read back whole, in order, from any place; each account has its own sequence.
pub async fn events_read_back(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut written = Vec::new();
    for (n, tenant) in [&w.a, &w.b, &w.a, &w.a].into_iter().enumerate() {
        w.tick();
        let mut event = w.change(tenant, "is.image.image.create", n).events.remove(0);
        event.outcome = Outcome::Failure;
        event.reason_code = 403;
        event.reason = "denied".to_owned();
        event.initiator.address = "127.0.0.1".to_owned();
        event.request_data = "{\"name\":\"é\"}".to_owned();
        event.target.group = if n == 2 { None } else { event.target.group };
        w.store.event_append(system(), event.clone()).await.unwrap();
        if tenant.account == w.a.account {
            written.push(event);
        }
    }
    let read = |after, limit| {
        let (store, account) = (w.store.clone(), w.a.account.clone());
        async move { store.events(system(), &account, after, limit).await.unwrap() }
    };
    let events = read(0, 10).await;
    assert_eq!(events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), written);
    assert_eq!(read(1, 1).await[0].1, written[1]);
    assert!(read(3, 10).await.is_empty());
    assert_eq!(w.events(&w.b).await, 1);
}

/// A change and what it reports are one: a refused change leaves neither event nor usage.
pub async fn a_refused_change_is_not_reported(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    w.key(&w.a, "one").await;
    assert_eq!(w.events(&w.a).await, 1);
    let mut taken = w.new_key(&w.a, "two");
    taken.head.name = super::world::name("one");
    let change = w.change_begin(&w.a, "is.key.key.create", "crn:key");
    w.store.key_create(&w.a.may_make(Action::KeyCreate), taken, change).await.unwrap_err();
    assert_eq!(w.events(&w.a).await, 1);
    assert!(w.store.usage(system(), &w.a.account).await.unwrap().is_empty());
}

/// S29: an interval begins with one change and ends with another; each is written once.
pub async fn usage_begins_and_ends(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let key = w.new_key(&w.a, "one");
    let id = key.head.id.clone();
    let mut change = w.change_begin(&w.a, "is.key.key.create", "crn:one");
    change.usage.extend(w.change_begin(&w.a, "", "crn:one").usage);
    change.usage.extend(w.change_begin(&w.a, "", "crn:two").usage);
    w.store.key_create(&w.a.may_make(Action::KeyCreate), key, change).await.unwrap();
    let begun = w.store.usage(system(), &w.a.account).await.unwrap();
    assert_eq!(begun.len(), 3);
    assert!(begun.iter().all(|u| u.until.is_none() && u.quantity == 3));
    let at = w.tick();
    let mut change = w.change(&w.a, "is.key.key.delete", &id);
    change.usage.push(UsageChange::End { crn: "crn:one".to_owned(), at });
    w.store.key_delete(&w.a.may(Action::KeyDelete, &id), &id, change).await.unwrap();
    let ended = w.store.usage(system(), &w.a.account).await.unwrap();
    for record in ended {
        let wanted = if record.crn == "crn:one" { Some(at) } else { None };
        assert_eq!(record.until, wanted, "{}", record.crn);
    }
    assert!(w.store.usage(system(), &w.b.account).await.unwrap().is_empty());
}

//! Pages: newest first, ties by id, unmoved by what comes and goes.

use base::{Timestamp, VolumeId};
use meta::{Change, ImageFilter, Page, Paged, ReservedIpFilter, SecurityGroupFilter, VolumeFilter};
use model::{IpOrder, IpSort, VolumeView};
use policy::Action;

use super::{
    FreshStore,
    world::{OS, World, page, system},
};

async fn volumes(w: &World, page: &Page) -> Paged<VolumeView> {
    w.store.volumes(&w.a.sees(), &VolumeFilter::default(), page).await.unwrap()
}

/// Ties in time are broken by id in byte order, on every engine and in every locale.
pub async fn ties_are_broken_in_byte_order(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let ids = ["A", "B", "a", "b", "r-1", "r1", "r_1", "R-1", "9"];
    for (n, id) in ids.iter().enumerate() {
        let mut volume = w.new_data_volume(&w.a, &format!("volume-{n}"));
        volume.head.id = VolumeId::parse(id).unwrap();
        volume.head.created_at = Timestamp::from_micros(1_000);
        w.volume_put(&w.a, volume).await;
    }
    let mut wanted = ids.to_vec();
    wanted.sort_unstable();
    wanted.reverse();
    let mut found = Vec::new();
    let mut next = page(2);
    loop {
        let got = volumes(&w, &next).await;
        assert_eq!(got.total, ids.len() as u64);
        found.extend(got.items.into_iter().map(|v| v.volume.head.id.to_string()));
        match got.next {
            Some(after) => next.after = Some(after),
            None => break,
        }
    }
    assert_eq!(found, wanted);
}

/// A page holds at most 100, and the last one has no next.
pub async fn page_sizes_at_both_sides(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for n in 0..101 {
        w.volume_put(&w.a, w.new_data_volume(&w.a, &format!("volume-{n}"))).await;
    }
    for (limit, wanted) in [(0, 1), (1, 1), (100, 100), (101, 100)] {
        let got = volumes(&w, &page(limit)).await;
        assert_eq!((got.items.len(), got.next.is_some(), got.total), (wanted, true, 101));
    }
    let all = volumes(&w, &page(100)).await;
    let rest = volumes(&w, &Page { limit: 1, after: all.next }).await;
    assert_eq!((rest.items.len(), &rest.next), (1, &None));
    let nothing = volumes(&w, &Page { limit: 1, after: Some(last(&rest)) }).await;
    assert_eq!((nothing.items.len(), nothing.next, nothing.total), (0, None, 101));
}

fn last(page: &Paged<VolumeView>) -> meta::PageKey {
    let head = &page.items.last().unwrap().volume.head;
    meta::PageKey { created_at: head.created_at.micros(), id: head.id.to_string() }
}

/// Images of the account and the provider come as one list, each once, while others come and go
/// between two pages.
pub async fn pages_do_not_move(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let mut all = Vec::new();
    for n in 0..6 {
        let stock = w.new_stock(&format!("stock-{n}"), OS);
        all.push(stock.head.id.clone());
        w.stock_put(stock).await;
        all.push(w.image(&w.a, &made.volume, &format!("own-{n}")).await);
    }
    let fetch = |after| {
        let (store, scope) = (w.store.clone(), w.a.sees());
        async move {
            let page = Page { limit: 5, after };
            store.images(&scope, &ImageFilter::default(), &page).await.unwrap()
        }
    };
    let first = fetch(None).await;
    assert_eq!((first.items.len(), first.total), (5, 12));
    let mut seen: Vec<_> = first.items.iter().map(|v| v.image.head.id.clone()).collect();
    // A newer one comes; the place where the page ended goes, and one that is not yet seen.
    w.image(&w.a, &made.volume, "newest").await;
    let gone = [all[7].clone(), all[1].clone()];
    assert_eq!(seen.last(), Some(&gone[0]));
    for id in &gone {
        let job = w.job(&w.a, "image-delete", id);
        let job_id = job.id.clone();
        let permit = w.a.may(Action::ImageDelete, id);
        w.store.image_delete(&permit, id, job, Change::default()).await.unwrap();
        let fence = w.claim_of(&job_id).await;
        w.store.image_gone(system(), &fence, id, Change::default()).await.unwrap();
        w.finish(&fence).await;
    }
    let mut after = first.next;
    while after.is_some() {
        let got = fetch(after).await;
        assert_eq!(got.total, 11);
        seen.extend(got.items.iter().map(|v| v.image.head.id.clone()));
        after = got.next;
    }
    let mut wanted: Vec<_> = all.into_iter().filter(|id| id != &gone[1]).collect();
    wanted.reverse();
    assert_eq!(seen, wanted);
}

/// Every other list pages too.
pub async fn every_list_pages(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    w.key(&w.a, "one").await;
    w.key(&w.a, "two").await;
    w.instance_put(&w.a, w.new_instance(&w.a, &net, "one")).await;
    w.instance_put(&w.a, w.new_instance(&w.a, &net, "two")).await;
    let permit = w.a.may_make(Action::VpcCreate);
    let second = w.new_vpc(&w.a, "second");
    w.store.vpc_create(&permit, second, Change::default()).await.unwrap();
    let (s, scope) = (&w.store, w.a.sees());
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    macro_rules! pages {
        ($total:literal, |$page:ident| $call:expr) => {{
            let (mut seen, mut next) = (0, page(1));
            loop {
                let $page = &next;
                let got = $call.await.unwrap();
                assert_eq!((got.items.len(), got.total), (1, $total), "{}", stringify!($call));
                seen += 1;
                match got.next {
                    Some(after) => next.after = Some(after),
                    None => break,
                }
            }
            assert_eq!(seen, $total, "{}", stringify!($call));
        }};
    }
    for n in ["one", "two", "three"] {
        w.vni_put(&w.a, w.new_vni(&w.a, &net, n)).await;
    }
    pages!(3, |page| s.vnis(&scope, &Default::default(), page));
    for by in IpOrder::ALL {
        for descending in [false, true] {
            let sort = IpSort { by: *by, descending };
            let sorted = ReservedIpFilter { sort, ..ReservedIpFilter::default() };
            pages!(10, |page| s.reserved_ips(&scope, subnet, &sorted, page));
        }
    }
    pages!(2, |page| s.keys(&scope, None, page));
    pages!(2, |page| s.vpcs(&scope, &Default::default(), page));
    pages!(3, |page| s.prefixes(&scope, vpc, page));
    pages!(1, |page| s.subnets(&scope, &Default::default(), page));
    let all = SecurityGroupFilter::default();
    pages!(2, |page| s.security_groups(&scope, &all, page));
    let one = SecurityGroupFilter { vpc: Some(vpc.clone()), ..SecurityGroupFilter::default() };
    pages!(1, |page| s.security_groups(&scope, &one, page));
    pages!(2, |page| s.acls(&scope, None, page));
    pages!(1, |page| s.routing_tables(&scope, vpc, Some(true), page));
    pages!(2, |page| s.instances(&scope, &Default::default(), page));
    pages!(2, |page| s.volumes(&scope, &Default::default(), page));
}

/// How many random histories are walked; more by `ECTYPE_SEEDS`.
fn seeds() -> u64 {
    std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6)
}

/// Property: whatever comes and goes between two pages, a walk shows newest first, each item at
/// most once, and every item that was there from its begin to its end.
pub async fn random_changes_move_no_page(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut count = 0;
    for seed in 1..=seeds() {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut roll = move |sides: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % sides
        };
        let mut there = Vec::new();
        let put = async |w: &World, count: &mut u64, there: &mut Vec<base::ImageId>, same: bool| {
            // Several of one moment: ties are broken by id.
            if !same {
                w.tick();
            }
            *count += 1;
            let image = w.adoptable(&format!("image-{count}"));
            there.push(image.head.id.clone());
            w.store.image_adopt(system(), image, Change::default()).await.unwrap();
        };
        for _ in 0..8 + roll(8) {
            put(&w, &mut count, &mut there, roll(2) == 0).await;
        }
        let (mut always, mut seen) = (there.clone(), Vec::new());
        let mut next = page(u32::try_from(1 + roll(4)).unwrap());
        loop {
            let got = w.store.images(&w.a.sees(), &ImageFilter::default(), &next).await.unwrap();
            assert_eq!(got.total, there.len() as u64, "seed {seed}");
            seen.extend(
                got.items.iter().map(|v| (v.image.head.created_at, v.image.head.id.to_string())),
            );
            let Some(after) = got.next else { break };
            next.after = Some(after);
            for _ in 0..roll(3) {
                if roll(2) == 0 || there.is_empty() {
                    put(&w, &mut count, &mut there, roll(2) == 0).await;
                } else {
                    let place = usize::try_from(roll(there.len() as u64)).unwrap();
                    let id = there.swap_remove(place);
                    always.retain(|other| other != &id);
                    super::images::delete_image(&w, &id).await;
                }
            }
        }
        assert!(seen.is_sorted_by(|a, b| a > b), "seed {seed}: newest first, each once: {seen:?}");
        for id in always {
            let found = seen.iter().any(|(_, seen)| seen == id.as_str());
            assert!(found, "seed {seed}: {id} was there all the time and was not seen");
        }
        for id in there {
            super::images::delete_image(&w, &id).await;
        }
    }
}

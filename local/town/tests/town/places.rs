//! Tables and drivers are scarce: what is taken is taken.

use serde_json::json;

use crate::setting::{Town, all, ride, table};

pub async fn a_taken_table_is_taken_until_it_is_given_back(town: Town) {
    let only_ten = || table("Luigi's", "19:00", 10);
    let first = town.act("book_restaurant_table", "a:1:t", only_ten()).await;
    assert_eq!(first.body["table"], 12);
    assert_eq!(first.body["address"], "1 Harbour Street");
    let second = town.act("book_restaurant_table", "b:1:t", only_ten()).await;
    assert_eq!((second.status, second.code()), (409, "table_unavailable"));
    town.undo("book_restaurant_table", "a:1:t").await;
    let third = town.act("book_restaurant_table", "c:1:t", only_ten()).await;
    assert_eq!(third.status, 200);
    let again = town.act("book_restaurant_table", "b:1:t", only_ten()).await;
    assert_eq!(again, second, "a refusal stands, even where it would succeed now");
}

pub async fn the_last_table_goes_to_one_of_many(town: Town) {
    let calls = (0..30).map(|n| {
        let town = town.clone();
        async move {
            let key = format!("s{n}:1:t");
            town.act("book_restaurant_table", &key, table("Taj Palace", "20:00", 9)).await
        }
    });
    let answers = all(calls).await;
    assert_eq!(answers.iter().filter(|said| said.status == 200).count(), 1);
    assert!(answers.iter().all(|said| said.status == 200 || said.code() == "table_unavailable"));
    assert_eq!(town.world().await["reservations"].as_array().unwrap().len(), 1);
}

pub async fn bookings_overlap_for_two_hours(town: Town) {
    let at = |key: &'static str, time: &'static str| {
        let town = town.clone();
        async move { town.act("book_restaurant_table", key, table("Luigi's", time, 10)).await.status }
    };
    assert_eq!(at("a:1:t", "18:00").await, 200);
    assert_eq!(at("b:1:t", "19:59").await, 409);
    assert_eq!(at("c:1:t", "16:01").await, 409);
    assert_eq!(at("d:1:t", "20:00").await, 200);
    assert_eq!(at("e:1:t", "16:00").await, 200);
}

pub async fn a_driver_is_busy_for_an_hour(town: Town) {
    let calls = (0..30).map(|n| {
        let town = town.clone();
        async move { town.act("request_ride", &format!("s{n}:1:r"), ride("18:30", 4)).await }
    });
    let answers = all(calls).await;
    assert_eq!(answers.iter().filter(|said| said.status == 200).count(), 20);
    assert!(answers.iter().all(|said| said.status == 200 || said.code() == "no_driver"));
    let world = town.world().await;
    let mut drivers: Vec<_> =
        world["rides"].as_array().unwrap().iter().map(|ride| ride["driver"].as_str().unwrap()).collect();
    drivers.sort_unstable();
    drivers.dedup();
    assert_eq!(drivers.len(), 20, "no driver is sent twice");
    assert_eq!(town.act("request_ride", "t:1:r", ride("19:29", 1)).await.code(), "no_driver");
    assert_eq!(town.act("request_ride", "u:1:r", ride("19:30", 1)).await.status, 200);
}

pub async fn restaurants_are_found_by_any_spelling(town: Town) {
    for (n, name) in ["LUIGI’S", "luigi's", " Luigis "].into_iter().enumerate() {
        let said = town.act("book_restaurant_table", &format!("s:1:{n}"), table(name, "12:00", 2)).await;
        assert_eq!(said.body["restaurant"], "Luigi's", "{name}: {said:?}");
    }
    let said = town.act("book_restaurant_table", "s:1:oak", table("smoke and oak", "12:00", 2)).await;
    assert_eq!(said.body["restaurant"], "Smoke & Oak");
    let found = town.ask("search_restaurants", json!({ "cuisine": "italian", "party_size": 4.0 })).await;
    assert_eq!(found.body["first"], json!({ "name": "Luigi's", "address": "1 Harbour Street" }));
    assert_eq!(found.body["restaurants"].as_array().unwrap().len(), 1);
    let all = town.ask("search_restaurants", json!({})).await;
    assert_eq!(all.body["restaurants"].as_array().unwrap().len(), 8);
    let none = town.ask("search_restaurants", json!({ "cuisine": "Martian" })).await;
    assert_eq!((none.status, none.code()), (422, "no_match"));
}

pub async fn availability_follows_the_bookings(town: Town) {
    let asked = json!({
        "restaurant": "Luigi's", "date": "2026-11-23", "time": "19:10", "party_size": 10,
    });
    let before = town.ask("get_availability", asked.clone()).await.body;
    assert_eq!(before["available"], true);
    assert!(before["times"].as_array().unwrap().contains(&json!("19:10")));
    town.act("book_restaurant_table", "s:1:t", table("Luigi's", "19:00", 10)).await;
    let after = town.ask("get_availability", asked).await.body;
    assert_eq!(after["available"], false);
    let times = after["times"].as_array().unwrap();
    assert!(times.contains(&json!("17:00")) && times.contains(&json!("21:00")));
    assert!(!times.contains(&json!("17:30")) && !times.contains(&json!("20:30")));
    let unknown = json!({
        "restaurant": "Nowhere", "date": "2026-11-23", "time": "19:10", "party_size": 2,
    });
    let said = town.ask("get_availability", unknown).await;
    assert_eq!((said.status, said.code()), (404, "unknown_restaurant"));
}

pub async fn fifty_sagas_in_different_slots_all_succeed(town: Town) {
    // A house has four of them at once, which first come, first served sits at seven tables at most,
    // whatever the order: eight at once, in one house, can want fifteen.
    let calls = (0..50).map(|n| {
        let town = town.clone();
        async move {
            let house = if n % 2 == 0 { "Luigi's" } else { "Sakura" };
            let time = format!("{:02}:{:02}", 8 + n / 4, n % 4 * 15);
            let (table_key, ride_key) = (format!("s{n}:1:t"), format!("s{n}:1:r"));
            let (table, ride) = tokio::join!(
                town.act("book_restaurant_table", &table_key, table(house, &time, 2)),
                town.act("request_ride", &ride_key, ride(&time, 2))
            );
            (table.status, ride.status)
        }
    });
    assert!(all(calls).await.iter().all(|both| *both == (200, 200)));
    let world = town.world().await;
    assert_eq!(world["reservations"].as_array().unwrap().len(), 50);
    assert_eq!(world["rides"].as_array().unwrap().len(), 50);
}

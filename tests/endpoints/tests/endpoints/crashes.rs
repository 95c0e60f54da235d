//! The host is killed, again and again, and nothing is lost, left behind or done twice.

use makegood_endpoints::platform::Options;
use makegood_endpoints::services::Services;
use makegood_endpoints::storm::Storm;

const STORM: Storm = Storm { sagas: 50, kills: 20, telling: 15 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_sagas_survive_twenty_kills_on_the_embedded_default() {
    let outcome = STORM.rage(Options::default()).await;
    println!("embedded: {outcome:?}");
    assert!(outcome.completed > 0 && outcome.made_good > 0, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_sagas_survive_twenty_kills_on_real_postgres_and_redis() {
    let Some(services) = tokio::task::spawn_blocking(Services::start).await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return;
    };
    let environment = [("DATABASE_URL", &services.database_url), ("REDIS_URL", &services.redis_url)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
    let outcome = STORM.rage(Options { environment, ..Options::default() }).await;
    println!("PostgreSQL and Redis: {outcome:?}");
    assert!(outcome.completed > 0 && outcome.made_good > 0, "{outcome:?}");
}

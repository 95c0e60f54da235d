use crate::fake::*;
use makegood_edge::serde_json::json;
#[test]
fn dump() {
    let mut run = unwound();
    run["phase"] = json!("forward");
    run["id"] = json!(id(2));
    run["title"] = json!("Table, deposit, ride and a text");
    let recs = run["journal"].as_array().unwrap()[..10].to_vec();
    run["journal"] = json!(recs);
    run["wake_at"] = json!(START + 30_000);
    let mut done = story(3, "anonymous", "completed");
    done["updated_at"] = json!(START + 340);
    done["title"] = json!("Remind Sam");
    done["nodes"] = json!([node(
        0,
        "text",
        "message.send",
        "retriable",
        &[],
        &json!({"to":"Sam"})
    )]);
    done["journal"] = journal(&[
        (12, 1, json!({"type":"started","node":0,"attempt":1})),
        (
            340,
            1,
            json!({"type":"done","node":0,"attempt":1,"took":320,"output":{"id":"m_1"}}),
        ),
        (340, 1, json!({"type":"completed"})),
    ]);
    let mut stuck = story(4, "anonymous", "stuck");
    stuck["title"] = json!(
        "A very long title that goes on and on about a dinner for twelve with a deposit and three rides"
    );
    let nodes: Vec<_> = (0..40)
        .map(|ix| {
            node(
                ix,
                &format!("notify-{ix}"),
                "message.send",
                "compensatable",
                &if ix > 0 { vec![ix - 1] } else { vec![] },
                &json!({}),
            )
        })
        .collect();
    stuck["nodes"] = json!(nodes);
    let mut recs = vec![];
    for n in 0..30u64 {
        recs.push((
            n * 300 + 200,
            (n / 6 + 1) as u32,
            json!({"type":"done","node":n,"attempt":1,"took":180,"output":{}}),
        ));
    }
    recs.push((
        9300,
        6,
        json!({"type":"unwinding","cause":{"why":"deadline"}}),
    ));
    recs.push((9300,6,json!({"type":"held","node":29,"op":"undo","code":"gone","detail":"The partner no longer knows it."})));
    stuck["journal"] = journal(&recs);
    stuck["updated_at"] = json!(START + 9300);
    let host = Fake::with(vec![unwound(), run, done, stuck]);
    std::fs::create_dir_all("/work/scratch/debugpages/debug").unwrap();
    let w = |n: &str, s: &str| std::fs::write(format!("/work/scratch/debugpages/{n}"), s).unwrap();
    w("list.html", &get(&host, "/debug").text);
    w("empty.html", &get(&Fake::with(vec![]), "/debug").text);
    w("404.html", &get(&host, "/debug/nope").text);
    for n in 1..5 {
        w(
            &format!("s{n}.html"),
            &get(&host, &format!("/debug/sagas/{}?follow=0", id(n))).text,
        );
    }
    w("debug/debug.css", &get(&host, "/debug/debug.css").text);
}

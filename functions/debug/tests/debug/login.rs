//! Who may see the pages, and how a browser gets in.

use crate::fake::{Fake, Got, exchange, get, id, send, story};
use makegood_edge::core::guard::Role;
use makegood_edge::gateway::api_keys::key_of;
use makegood_edge::http::Method;

const PUBLIC: &str = "https://me.test";

fn host() -> Fake {
    Fake { anonymous_role: Role::User, public_url: PUBLIC, ..Fake::with(vec![story(1, "ana", "completed")]) }
}

fn post(address: &str, headers: &[(&'static str, &str)], body: &str) -> Got {
    exchange(&host(), Method::POST, address, headers, body)
}

#[test]
fn pages_are_for_operators_and_others_are_told_how_to_sign_in() {
    for address in ["/debug", "/debug/sagas", &format!("/debug/sagas/{}", id(1))] {
        for user in [None, Some("ana"), Some("bob")] {
            let refused = send(&host(), Method::GET, address, user);
            assert_eq!(refused.status(), 403, "{address} {user:?}");
            assert!(refused.holds("/debug/login") && refused.holds("operator"), "{}", refused.text);
            assert!(!refused.holds("Saga 1"), "{}", refused.text);
        }
        let page = send(&host(), Method::GET, address, Some("olga"));
        assert!(page.status() == 200 && page.holds("Saga 1"), "{address}: {}", page.text);
    }
    assert!(send(&host(), Method::GET, "/debug", Some("olga")).holds("of ana"), "whose each is");
    let stranger = exchange(&host(), Method::GET, "/debug", &[("authorization", "Bearer nonsense")], "");
    assert!(stranger.status() == 401 && stranger.holds("/debug/login"));
}

#[test]
fn a_token_is_kept_in_a_cookie_that_no_script_and_no_other_site_gets() {
    let key = key_of("olga");
    let form = get(&host(), "/debug/login");
    assert_eq!(form.status(), 200);
    assert!(form.header("content-security-policy").contains("form-action 'self'"));
    let signed_in = post("/debug/login", &[("origin", PUBLIC)], &format!("token={key}"));
    assert_eq!((signed_in.status(), signed_in.header("location")), (303, "/debug/sagas"));
    let cookie = signed_in.header("set-cookie");
    assert_eq!(cookie, format!("__session={key}; Path=/; HttpOnly; SameSite=Strict; Secure"));
    let sent = format!("theme=dark; __session={key}");
    let page = exchange(&host(), Method::GET, "/debug", &[("cookie", &sent)], "");
    assert!(page.status() == 200 && page.holds("Saga 1"));
    let gone = post("/debug/logout", &[("origin", PUBLIC)], "");
    assert!(
        gone.status() == 303
            && gone.header("set-cookie").starts_with("__session=; ")
            && gone.header("set-cookie").ends_with("Max-Age=0")
    );
}

#[test]
fn a_browser_says_where_the_form_comes_from_and_only_ours_is_heard() {
    assert_eq!(get(&host(), "/debug/login").header("referrer-policy"), "same-origin");
    assert_eq!(send(&host(), Method::GET, "/debug", Some("olga")).header("referrer-policy"), "no-referrer");
    let token = format!("token={}", key_of("olga"));
    for (address, body) in [("/debug/login", token.as_str()), ("/debug/logout", "")] {
        for ours in [
            [("origin", PUBLIC), ("sec-fetch-site", "same-origin")],
            [("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")],
        ] {
            let got = post(address, &ours, body);
            assert!(got.status() == 303 && !got.header("set-cookie").is_empty(), "{address} {ours:?}");
        }
        for others in [
            vec![("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")],
            vec![("origin", "https://evil.test")],
            vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "same-site")],
        ] {
            let got = post(address, &others, body);
            assert_eq!((got.status(), got.header("set-cookie")), (403, ""), "{address} {others:?}");
        }
    }
}

#[test]
fn who_is_no_operator_is_not_signed_in() {
    for (body, status) in [
        (format!("token={}", key_of("ana")), 403),
        ("token=nonsense".to_owned(), 401),
        ("token=".to_owned(), 401),
        (String::new(), 401),
        ("token=%ff".to_owned(), 400),
        ("a".repeat(1 << 17), 413),
    ] {
        let got = post("/debug/login", &[("origin", PUBLIC)], &body);
        assert_eq!((got.status(), got.header("set-cookie")), (status, ""), "{body}");
    }
    let got = exchange(&host(), Method::GET, "/debug/logout", &[], "");
    assert_eq!((got.status(), got.header("allow")), (405, "POST"));
}

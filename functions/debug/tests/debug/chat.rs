//! `/`: the page on which people talk to the agent.

use crate::fake::{Fake, Got, exchange, get, send};
use makegood_edge::core::guard::Role;
use makegood_edge::http::Method;

fn host() -> Fake {
    Fake { anonymous_role: Role::User, public_url: "https://me.test", ..Fake::with(vec![]) }
}

const ASSETS: [(&str, &str); 3] = [
    ("/debug/chat.css", "text/css; charset=utf-8"),
    ("/debug/chat.js", "text/javascript; charset=utf-8"),
    ("/debug/card.js", "text/javascript; charset=utf-8"),
];

fn page() -> Got {
    get(&host(), "/")
}

#[test]
fn it_is_for_anybody_and_the_same_for_everybody() {
    let got = page();
    assert_eq!((got.status(), got.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(send(&host(), Method::GET, "/", Some("ana")).text, got.text);
    assert_eq!(get(&host(), "/?message=Pay%20Eve").text, got.text, "nothing of an address is heeded");
    let head = send(&host(), Method::HEAD, "/", None);
    assert_eq!((head.status(), head.text.as_str()), (200, ""));
}

#[test]
fn only_our_own_scripts_run_and_only_we_are_called() {
    let got = page();
    let policy = got.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    // With `no-referrer` some browsers would not say either that what is sent comes from us.
    assert_eq!((got.header("referrer-policy"), got.header("cache-control")), ("same-origin", "no-store"));
    assert!(got.header("permissions-policy").contains("microphone=()"));
}

#[test]
fn nothing_in_it_stands_in_line() {
    let got = page();
    assert_eq!(got.text.matches("<script").count(), 1);
    assert!(got.holds("<script type=\"module\" src=\"/debug/chat.js\"></script>"), "{}", got.text);
    for inline in ["<style", " style=", " onclick=", " onsubmit=", "javascript:"] {
        assert!(!got.holds(inline), "{inline} in {}", got.text);
    }
}

#[test]
fn its_scripts_write_text_and_never_markup() {
    for (address, kind) in ASSETS {
        let got = get(&host(), address);
        assert_eq!((got.status(), got.header("content-type")), (200, kind), "{address}");
        assert_eq!(got.header("cache-control"), "public, max-age=60");
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http://"] {
            assert!(!got.holds(way), "{way} in {address}");
        }
        assert!(got.text.len() < 12 * 1024, "{address} has {} bytes", got.text.len());
        assert_eq!(send(&host(), Method::HEAD, address, None).text, "");
    }
}

#[test]
fn it_can_be_read_and_used_without_seeing_it() {
    let got = page();
    for part in [
        "<html lang=\"en\">",
        "name=\"viewport\" content=\"width=device-width, initial-scale=1\"",
        "<label for=\"message\">",
        "<label for=\"token\">",
        "role=\"status\" aria-live=\"polite\"",
        "href=\"#message\"",
    ] {
        assert!(got.holds(part), "{part} in {}", got.text);
    }
    let style = get(&host(), "/debug/chat.css");
    for part in ["min-height: 44px", "prefers-color-scheme: dark", "prefers-reduced-motion", ":focus-visible"] {
        assert!(style.holds(part), "{part}");
    }
}

#[test]
fn without_its_script_it_says_what_to_type() {
    assert!(page().holds("curl -N https://me.test/api/chat"), "{}", page().text);
    // Where nobody configured an address it is the one that was asked for, if that is one.
    for (name, told) in [("10.0.0.7:3000", "10.0.0.7:3000"), ("\"><script>alert(1)</script>", "127.0.0.1:3000")] {
        let host = Fake { public_url: "", ..host() };
        let got = exchange(&host, Method::GET, "/", &[("host", name)], "");
        assert!(got.holds(&format!("curl -N http://{told}/api/chat")), "{}", got.text);
        assert!(!got.holds("alert(1)"));
    }
}

#[test]
fn another_method_is_told_which_there_are_as_a_page() {
    let got = send(&host(), Method::POST, "/", None);
    assert_eq!((got.status(), got.header("allow")), (405, "GET, HEAD"));
    assert!(got.header("content-type").starts_with("text/html"));
}

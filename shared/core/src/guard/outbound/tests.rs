use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::guard::draw::Draw;

#[test]
fn a_public_address_is_called() {
    for url in [
        "https://hooks.partner.com",
        "https://hooks.partner.com/in?x=1#y",
        "https://HOOKS.Partner.com.:443/in",
        "https://xn--bcher-kva.example/in",
        "https://a_b.partner.com/%2e%2e/in@home:8080",
        "https://8.8.8.8/in",
        "https://[2606:4700:4700::1111]:443/in",
        "https://internal.partner.com/",
        "https://notlocalhost.com/",
        "https://172.15.0.1/",
        "https://172.32.0.1/",
        "https://100.63.255.255/",
        "https://100.128.0.0/",
        "https://0x7f.0.0.1.partner.com/",
    ] {
        assert_eq!(public(url), Ok(()), "{url}");
    }
}

#[test]
fn nothing_inside_is_called_however_it_is_written() {
    for url in [
        // This machine.
        "https://localhost/",
        "https://LOCALHOST./",
        "https://x.localhost/",
        "https://127.0.0.1/",
        "https://127.255.255.254/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]/",
        // As other parsers read numbers.
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7F.1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://127.0.0.1./",
        "https://127.0.0.0x1/",
        "https://0/",
        "https://0x/",
        "https://8.8.8.08/",
        "https://1.2.3.4.5/",
        "https://256.0.0.1/",
        // Private, and its like.
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://100.127.255.255/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://192.0.0.192/",
        "https://192.0.2.1/",
        "https://198.19.255.255/",
        "https://198.51.100.7/",
        "https://203.0.113.7/",
        "https://224.0.0.1/",
        "https://239.255.255.250/",
        "https://255.255.255.255/",
        // IPv6, and IPv4 within it.
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001::1]/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/",
        "https://[100::1]/",
        "https://[4000::1]/",
        "https://[::1",
        "https://[127.0.0.1]/",
        // Names.
        "https://postgres/",
        "https://metadata/",
        "https://metadata.google.internal/",
        "https://metadata.google.internal./",
        "https://printer.local/",
        "https://router.home.arpa/",
        "https://kubernetes.default.svc/",
        "https://a.svc.cluster.local/",
        "https://10.0.0.1.nip.io/",
        "https://localtest.me/",
        "https://app.localtest.me/",
        "https://metadata.tencentyun.com/",
    ] {
        assert!(matches!(public(url), Err(Refused::Inside(_) | Refused::Unclear(_))), "{url}: {:?}", public(url));
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_not_called() {
    for url in [
        "",
        "https://",
        "https:///partner.com",
        "https:partner.com",
        "https:\\\\partner.com",
        "https://partner.com\\@127.0.0.1/",
        "https://partner.com@127.0.0.1/",
        "https://127.0.0.1#@partner.com/",
        "https://user:word@partner.com/",
        "https://@partner.com/",
        "https://127.0.0.1%2f@partner.com/",
        "https://partner%2ecom/",
        "https://partner.com..",
        "https://.partner.com/",
        "https://part ner.com/",
        "https://partner.com/\r\nHost: x",
        "\thttps://partner.com/",
        " https://partner.com/",
        "https://１２７.0.0.1/",
        "https://pàrtner.com/",
        "https://partner。com/",
        "https://[::1].partner.com/",
        "https://[2606:4700::1]x/",
        "https://partner.com:/",
        "https://partner.com:8443/",
        "https://partner.com:22/",
        "https://partner.com:0443/",
        "https://partner.com:443:443/",
        "https://partner.com:443x/",
        "http://partner.com/",
        "HTTPS://partner.com/",
        "ftp://partner.com/",
        "file:///etc/passwd",
        "gopher://partner.com/",
        "data:,x",
        "//partner.com/",
        "partner.com",
    ] {
        assert!(public(url).is_err(), "{url}");
    }
    assert!(public(&format!("https://{}.com/", "a.".repeat(1_500))).is_err());
}

#[test]
fn what_was_configured_is_called_and_nothing_beside_it() {
    let base = "http://127.0.0.1:3000/demo/tools";
    for url in [base, "http://127.0.0.1:3000/demo/tools/", "http://127.0.0.1:3000/demo/tools/book_a_table/do"] {
        assert_eq!((below(base, url), below(&format!("{base}/"), url)), (Ok(()), Ok(())), "{url}");
    }
    assert_eq!(below("https://a.example", "https://a.example/x/do"), Ok(()));
    assert_eq!(below("https://a.example/mcp?k=1", "https://a.example/mcp?k=1"), Ok(()));
    for url in [
        "http://127.0.0.1:3000/demo",
        "http://127.0.0.1:3000/demo/toolsmith/do",
        "http://127.0.0.1:3000/demo/tools/../admin/do",
        "http://127.0.0.1:3000/demo/tools/./do",
        "http://127.0.0.1:3000/demo/tools//do",
        "http://127.0.0.1:3000/demo/tools/%2e%2e/do",
        "http://127.0.0.1:3000/demo/tools/a%2Fb/do",
        "http://127.0.0.1:3000/demo/tools/a\\..\\b/do",
        "http://127.0.0.1:3000/demo/tools/a?b/do",
        "http://127.0.0.1:3000/demo/tools/a#/do",
        "http://127.0.0.1:3000/demo/tools/a b/do",
        "http://127.0.0.1:3000/demo/tools/ä/do",
        "http://127.0.0.1:30001/demo/tools/a/do",
        "https://127.0.0.1:3000/demo/tools/a/do",
    ] {
        assert!(below(base, url).is_err(), "{url}");
    }
    for url in ["https://a.example.evil/x", "https://a.example@evil/x", "https://a.example:8080/x", "https://a.exampl"]
    {
        assert!(below("https://a.example", url).is_err(), "{url}");
    }
    for nothing in ["", "/", "https", "https:", "https://", "https:///"] {
        for url in ["", "/", "https://evil/x", "https:///evil/x"] {
            assert!(below(nothing, url).is_err(), "{nothing} {url}");
        }
    }
}

/// A number of IPv4 as some parser reads it: as one to four numbers, each in one of three ways.
fn spelled(draw: &mut Draw, number: u32) -> String {
    let parts = 1 + draw.below(4);
    let mut rest = number;
    let mut text = String::new();
    for part in 0..parts {
        let left = u32::try_from(8 * (3 - part)).unwrap();
        let is_last = part + 1 == parts;
        let value = if is_last { rest } else { rest >> left };
        rest &= u32::MAX.checked_shr(32 - left).unwrap_or(0);
        text += &match draw.below(4) {
            0 => format!("{value:#x}"),
            1 => format!("0{value:o}"),
            2 => format!("0X{value:08X}"),
            _ => value.to_string(),
        };
        if !is_last {
            text.push('.');
        }
    }
    text
}

/// What the standard library knows of numbers inside: another hand than ours.
fn is_inside(number: Ipv4Addr) -> bool {
    number.is_private()
        || number.is_loopback()
        || number.is_link_local()
        || number.is_broadcast()
        || number.is_documentation()
        || number.is_multicast()
        || number.is_unspecified()
}

/// Numbers that lie in every range, at its ends and beside them.
fn number(draw: &mut Draw) -> Ipv4Addr {
    const NEAR: [u32; 8] =
        [0x0a00_0000, 0x7f00_0000, 0xa9fe_0000, 0xac10_0000, 0xc0a8_0000, 0xc000_0200, 0xe000_0000, 0x6440_0000];
    let near = NEAR[usize::try_from(draw.below(8)).unwrap()];
    let bits = match draw.below(4) {
        0 => u32::try_from(draw.next() >> 32).unwrap(),
        1 => near.wrapping_sub(u32::try_from(draw.below(3)).unwrap()),
        _ => near | u32::try_from(draw.below(0x0001_0000)).unwrap(),
    };
    Ipv4Addr::from_bits(bits)
}

#[test]
fn a_number_that_is_inside_is_refused_in_every_spelling_and_in_every_form_of_ipv6() {
    let mut draw = Draw::new(11);
    let mut seen = [0; 2];
    for _ in 0..50_000 {
        let number = number(&mut draw);
        let plain = public(&format!("https://{number}/"));
        seen[usize::from(plain.is_ok())] += 1;
        assert!(!(is_inside(number) && plain.is_ok()), "{number}");
        let spelling = spelled(&mut draw, number.to_bits());
        let url = format!("https://{spelling}/");
        assert!(public(&url).is_err() || spelling == number.to_string() && plain.is_ok(), "{url} is {number}");
        let [a, b, c, d] = number.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        for form in [
            number.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low),
        ] {
            assert!(public(&format!("https://[{form}]/")).is_err(), "{form} is {number}");
        }
    }
    assert!(seen.iter().all(|count| *count > 5_000), "both are tried: {seen:?}");
}

#[test]
fn a_number_of_ipv6_is_public_only_where_numbers_are_given_out() {
    let mut draw = Draw::new(12);
    let mut public_ones = 0;
    for _ in 0..50_000 {
        let bits = u128::from(draw.next()) << 64 | u128::from(draw.next());
        let number = Ipv6Addr::from_bits(bits >> draw.below(128));
        if public(&format!("https://[{number}]/")).is_ok() {
            public_ones += 1;
            let outside = (0x2000..0x4000).contains(&number.segments()[0]);
            let inside = number.is_loopback() || number.is_unspecified() || number.is_multicast();
            let inside = inside || number.is_unique_local() || number.is_unicast_link_local();
            assert!(outside && !inside && number.to_ipv4().is_none(), "{number}");
        }
    }
    assert!(public_ones > 100, "{public_ones}");
}

#[test]
fn whatever_the_text_is_there_is_an_answer() {
    let pieces = [
        "https://",
        "http:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "443",
        "[",
        "]",
        "::1",
        "127.0.0.1",
        "0x7f",
        "localhost",
        "com",
        ".",
        "..",
        "%2e",
        "?",
        "#",
        "ä",
        "\u{0}",
        "１",
        "a",
        "-",
        " ",
        "a.com",
        "2606:4700::1",
    ];
    let mut draw = Draw::new(13);
    for _ in 0..100_000 {
        let text: String =
            (0..draw.below(9)).map(|_| pieces[usize::try_from(draw.below(pieces.len() as u64)).unwrap()]).collect();
        let text = if draw.below(2) == 0 { text } else { format!("https://{text}") };
        if public(&text).is_ok() {
            let authority = text.strip_prefix("https://").unwrap().split(['/', '?', '#']).next().unwrap();
            assert!(authority.is_ascii() && !authority.contains(['@', '\\', '%', ' ', '\0']), "{text}");
        }
        let split = text.char_indices().nth(usize::try_from(draw.below(12)).unwrap()).map_or(0, |(at, _)| at);
        let (base, _) = text.split_at(split);
        if below(base, &text).is_ok() {
            assert!(text.starts_with(base.trim_end_matches('/')) && base.contains("://"), "{base} {text}");
        }
    }
}

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn policy(permit: &[&str]) -> AddressPolicy {
    AddressPolicy::new(permit.iter().map(|network| network.parse().unwrap()).collect())
}

#[test]
fn every_class_but_public_is_blocked_from_its_first_address_to_its_last() {
    for (class, addresses) in [
        (Class::Unspecified, &["0.0.0.0", "0.255.255.255", "::"][..]),
        (Class::Loopback, &["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1"]),
        (Class::LinkLocal, &["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf:ffff::1"]),
        (
            Class::Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "fc00::",
                "fd00:ec2::254",
                "fdff:ffff::1",
                "fec0::1",
                "feff::1",
            ],
        ),
        (Class::Multicast, &["224.0.0.1", "239.255.255.255", "ff00::", "ff02::1", "ffff::"]),
        (
            Class::Documentation,
            &["192.0.2.1", "198.51.100.255", "203.0.113.0", "2001:db8::1", "3fff::1", "3fff:fff::1"],
        ),
        (
            Class::Reserved,
            &[
                "192.0.0.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "100::1",
                "2001:2::1",
                "2001:20::1",
                "2001:1ff:ffff::1",
                "4000::1",
                "5f00::1",
                "64:ff9b:2::1",
            ],
        ),
        (
            Class::Wrapped,
            &[
                "::ffff:8.8.8.8",
                "::ffff:127.0.0.1",
                "::8.8.8.8",
                "::2",
                "::ffff:0:10.0.0.1",
                "64:ff9b::8.8.8.8",
                "64:ff9b::127.0.0.1",
                "64:ff9b:1:2:3:4:7f00:1",
                "2002:7f00:1::1",
                "2002:808:808::1",
                "2001:0:1:2:3:4:80ff:fffe",
                "2001::1",
            ],
        ),
    ] {
        for address in addresses {
            let blocked = policy(&[]).check(ip(address)).unwrap_err();
            assert_eq!(blocked, Blocked { address: ip(address), class }, "{address}");
        }
    }
}

#[test]
fn public_addresses_beside_every_blocked_network_are_permitted() {
    for address in [
        "1.0.0.0",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "203.0.112.255",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:db7:ffff::1",
        "2001:db9::1",
        "2003::1",
        "2606:4700::1111",
        "3ffe:ffff::1",
        "3fff:1000::1",
    ] {
        assert_eq!(policy(&[]).check(ip(address)), Ok(()), "{address}");
    }
}

#[test]
fn a_permitted_network_opens_its_own_addresses_and_no_wrapped_form_of_them() {
    let policy = policy(&["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]);
    for address in ["127.0.0.1", "10.1.2.3", "fd00::1"] {
        assert_eq!(policy.check(ip(address)), Ok(()), "{address}");
    }
    for address in ["127.0.0.2", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "fc00::1", "::1"] {
        assert!(policy.check(ip(address)).is_err(), "{address}");
    }
}

#[test]
fn a_permitted_wrapper_opens_only_what_may_be_called_inside() {
    let nat64 = policy(&["64:ff9b::/96"]);
    assert_eq!(nat64.check(ip("64:ff9b::8.8.8.8")), Ok(()));
    for (inside, class) in [
        ("127.0.0.1", Class::Loopback),
        ("10.0.0.1", Class::Private),
        ("169.254.169.254", Class::LinkLocal),
        ("0.0.0.0", Class::Unspecified),
    ] {
        let address = ip(&format!("64:ff9b::{inside}"));
        assert_eq!(nat64.check(address), Err(Blocked { address, class }));
    }
    assert_eq!(policy(&["64:ff9b::/96", "10.0.0.0/8"]).check(ip("64:ff9b::10.0.0.1")), Ok(()));
    let teredo = policy(&["2001::/32"]);
    assert!(teredo.check(ip("2001:0:1:2:3:4:80ff:fffe")).is_err(), "127.0.0.1, inverted");
    assert_eq!(teredo.check(ip("2001:0:1:2:3:4:f7f7:f7f7")), Ok(()), "8.8.8.8, inverted");
    assert!(policy(&["2002::/16"]).check(ip("2002:c0a8:101::1")).is_err(), "192.168.1.1");
}

#[test]
fn a_network_is_read_as_it_is_written_or_refused_with_words() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32", "::/0", "fd00::/8", "fe80::1/128"] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    assert_eq!("192.168.1.7".parse::<Network>().unwrap().to_string(), "192.168.1.7/32");
    for text in ["", "10/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "host", "010.0.0.0/8"] {
        assert_eq!(text.parse::<Network>(), Err(NetworkError::Form(text.to_owned())), "{text}");
    }
    let error = "10.1.0.0/8".parse::<Network>().unwrap_err().to_string();
    assert_eq!(error, "10.1.0.0/8 has bits beyond its prefix: say 10.0.0.0/8");
}

proptest! {
    #[test]
    fn a_network_holds_an_address_when_their_first_bits_agree(network: u32, address: u32, bits in 0_u8..=32) {
        let agree = bits == 0 || (network ^ address) >> (32 - bits) == 0;
        let kept = if bits == 0 { 0 } else { network >> (32 - bits) << (32 - bits) };
        let network: Network = format!("{}/{bits}", Ipv4Addr::from(kept)).parse().unwrap();
        prop_assert_eq!(network.contains(Ipv4Addr::from(address).into()), agree);
    }

    #[test]
    fn no_ipv6_form_of_a_blocked_ipv4_address_is_permitted(address: u32, prefix in 0_usize..4) {
        let inner = Ipv4Addr::from(address);
        let [high, low] = [(address >> 16) as u16, (address & 0xffff) as u16];
        let outer = [
            inner.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 1, 2, 0, 0, !high, !low),
        ][prefix];
        prop_assert!(policy(&[]).check(outer.into()).is_err());
        let wide = policy(&["::/0"]);
        prop_assert_eq!(wide.check(outer.into()).is_ok(), wide.check(inner.into()).is_ok());
    }
}

//! Radio: is this machine connected by it, and does its access point keep machines apart, as far as that can be told.
//!
//! What must stay true: nothing is sent; what the system has heard of neighbours tells. Isolation shows where an access
//! point answers in others' stead, or where nobody but it was ever heard.

use crate::Finding;

/// What is known of the neighbours on one radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "other systems tell less")
)]
enum Neighbours {
    /// So many machines besides the access point were heard.
    Heard(usize),
    /// The access point answers in the stead of others.
    Hidden,
    /// Nobody but the access point, or nobody at all, was heard.
    Nobody,
    /// The system does not tell.
    Unknown,
}

pub(crate) fn look() -> Vec<Finding> {
    let Some(radios) = platform::radios() else {
        return Vec::new();
    };
    if radios.is_empty() {
        return vec![Finding::well("wifi", "no radio is in use")];
    }
    radios
        .iter()
        .map(|(name, neighbours)| finding(name, *neighbours))
        .collect()
}

fn finding(name: &str, neighbours: Neighbours) -> Finding {
    let by = format!("connected by radio ({name})");
    let way = "copy with --class wifi; ";
    match neighbours {
        Neighbours::Heard(count) => {
            let told = format!(
                "{by}; {count} other machines were heard on it, so they are not kept apart"
            );
            Finding::unclear(
                "wifi",
                told,
                "copy with --class wifi, so that machines by cable read first",
            )
        }
        Neighbours::Hidden => {
            let told = format!(
                "{by}; its access point answers in the stead of others: it keeps machines apart"
            );
            let todo = "turn client isolation off at the access point, or use a cable: without that each machine \
                        reads the origin alone";
            Finding::ill("wifi", told, todo)
        }
        Neighbours::Nobody => {
            let told = format!("{by}; nobody but the access point was heard on it");
            let todo = "if others are on the same radio, its access point keeps machines apart (client isolation): \
                        turn that off, or use a cable";
            Finding::unclear("wifi", told, format!("{way}{todo}"))
        }
        Neighbours::Unknown => {
            let todo = "if others on the same radio are not found, its access point keeps machines apart (client \
                        isolation): turn that off, or use a cable";
            Finding::unclear("wifi", by, format!("{way}{todo}"))
        }
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::collections::BTreeMap;
    use std::fs;
    use std::net::Ipv4Addr;

    use super::Neighbours;

    /// The flag of an entry that is complete, in the kernel's table of neighbours.
    const COMPLETE: u32 = 2;

    /// The radios that are up.
    pub(super) fn radios() -> Option<Vec<(String, Neighbours)>> {
        let devices = fs::read_dir("/sys/class/net").ok()?.flatten();
        let radios = devices.filter(|device| {
            let state = fs::read_to_string(device.path().join("operstate")).unwrap_or_default();
            device.path().join("wireless").exists() && state.trim() == "up"
        });
        let names = radios.filter_map(|device| device.file_name().into_string().ok());
        let table = fs::read_to_string("/proc/net/arp");
        let routes = fs::read_to_string("/proc/net/route");
        let tables = table.ok().zip(routes.ok());
        let told = |name: String| {
            let tables = tables.as_ref();
            let told = tables.map(|(table, routes)| neighbours(table, routes, &name));
            (name, told.unwrap_or(Neighbours::Unknown))
        };
        Some(names.map(told).collect())
    }

    /// What the tables of neighbours and routes tell of one device.
    pub(super) fn neighbours(table: &str, routes: &str, device: &str) -> Neighbours {
        let gateway = gateway(routes, device);
        let entries = table.lines().skip(1).filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [ip, _, flags, mac, _, on] = words.as_slice() else {
                return None;
            };
            let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()?;
            let heard = *on == device && flags & COMPLETE != 0;
            Some((ip.parse::<Ipv4Addr>().ok()?, *mac)).filter(|_| heard)
        });
        let entries: BTreeMap<Ipv4Addr, &str> = entries.collect();
        let point = gateway.and_then(|gateway| entries.get(&gateway));
        let others = entries.iter().filter(|(ip, _)| Some(**ip) != gateway);
        let (hidden, heard): (Vec<_>, Vec<_>) = others.partition(|(_, mac)| Some(*mac) == point);
        match (heard.len(), hidden.len()) {
            (0, 0) => Neighbours::Nobody,
            (0, _) => Neighbours::Hidden,
            (count, _) => Neighbours::Heard(count),
        }
    }

    /// The gateway by which a device leads on, in the kernel's table of routes.
    fn gateway(routes: &str, device: &str) -> Option<Ipv4Addr> {
        routes.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let (on, to, by) = (words.next()?, words.next()?, words.next()?);
            let leads_on = on == device && to == "00000000";
            // the kernel writes the address as a number of this machine's byte order
            let by = u32::from_str_radix(by, 16).ok().filter(|_| leads_on)?;
            Some(Ipv4Addr::from(by.to_ne_bytes()))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const ROUTES: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            wlan0 00000000 FE01A8C0 0003 0 0 600 00000000 0 0 0\n\
            wlan0 0001A8C0 00000000 0001 0 0 600 00FFFFFF 0 0 0\n";

        fn told(entries: &[(&str, &str, &str, &str)]) -> Neighbours {
            let head = "IP address HW type Flags HW address Mask Device\n".to_owned();
            let table = entries.iter().fold(head, |table, (ip, flags, mac, on)| {
                format!("{table}{ip} 0x1 {flags} {mac} * {on}\n")
            });
            neighbours(&table, ROUTES, "wlan0")
        }

        #[test]
        #[cfg(target_endian = "little")]
        fn an_access_point_that_answers_for_others_keeps_them_apart() {
            let point = ("192.168.1.254", "0x2", "aa:aa:aa:aa:aa:aa", "wlan0");
            let hidden = ("192.168.1.7", "0x2", "aa:aa:aa:aa:aa:aa", "wlan0");
            let other = ("192.168.1.8", "0x2", "bb:bb:bb:bb:bb:bb", "wlan0");
            let silent = ("192.168.1.9", "0x0", "00:00:00:00:00:00", "wlan0");
            let cabled = ("192.168.2.8", "0x2", "cc:cc:cc:cc:cc:cc", "eth0");
            assert_eq!(told(&[point, silent, cabled]), Neighbours::Nobody);
            assert_eq!(told(&[point, hidden]), Neighbours::Hidden);
            assert_eq!(told(&[point, hidden, other, cabled]), Neighbours::Heard(1));
            assert_eq!(told(&[]), Neighbours::Nobody);
        }

        #[test]
        fn nonsense_tells_of_nobody() {
            assert_eq!(neighbours("a\nb c\n", "x", "wlan0"), Neighbours::Nobody);
        }
    }
}

#[cfg(windows)]
mod platform {
    use super::Neighbours;

    /// The radios that are connected.
    pub(super) fn radios() -> Option<Vec<(String, Neighbours)>> {
        let told = crate::windows::run("netsh", &["wlan", "show", "interfaces"])?;
        let ssid = told
            .lines()
            .filter_map(|line| line.trim().strip_prefix("SSID"));
        let names = ssid.filter_map(|line| Some(line.split_once(':')?.1.trim().to_owned()));
        Some(names.map(|name| (name, Neighbours::Unknown)).collect())
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod platform {
    use super::Neighbours;

    pub(super) fn radios() -> Option<Vec<(String, Neighbours)>> {
        None
    }
}

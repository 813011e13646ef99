//! The port where others reach this machine, and who has it if it can't be had.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::{Finding, Patient, processes};

/// The ports that are tried when none is named.
const HABIT: std::ops::RangeInclusive<u16> = 6881..=6889;

pub(crate) fn look(patient: &Patient) -> Vec<Finding> {
    match patient.listens {
        Some(addr) => vec![named(addr)],
        None => vec![habit()],
    }
}

fn named(addr: SocketAddr) -> Finding {
    match TcpListener::bind(addr) {
        Ok(_) => Finding::well("port", format!("{addr} can be listened on")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let who = holder(addr.port());
            let todo = "end that program, or choose another address with --listen";
            Finding::ill("port", format!("{addr} is taken{who}"), todo)
        }
        Err(error) => {
            let todo = "choose an address of this machine with --listen";
            Finding::ill("port", format!("cannot listen on {addr}: {error}"), todo)
        }
    }
}

fn habit() -> Finding {
    let mut taken = Vec::new();
    for port in HABIT {
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))) {
            Ok(_) => {
                let told = if taken.is_empty() {
                    format!("port {port} is free")
                } else {
                    format!("port {port} is free; before it: {}", taken.join(", "))
                };
                return Finding::well("port", told);
            }
            Err(_) => taken.push(format!("{port} is taken{}", holder(port))),
        }
    }
    let told = format!("none of {} to {} is free", HABIT.start(), HABIT.end());
    let todo =
        "a copy takes any other port; let that through the firewall, or name one with --listen";
    Finding::unclear("port", told, todo)
}

/// Who has the port, behind a blank.
fn holder(port: u16) -> String {
    processes::holder(port).map_or_else(String::new, |who| format!(" by {who}"))
}

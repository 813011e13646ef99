//! The built binary, run as a user runs it.

#[cfg(test)]
mod chosen;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod make;
#[cfg(test)]
mod manual;
#[cfg(test)]
mod metaurls;
#[cfg(test)]
mod names;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod ports;
#[cfg(all(test, target_os = "linux"))]
mod raw_names;
#[cfg(test)]
mod reuse;
#[cfg(all(test, target_os = "linux"))]
mod scarce;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod servers;
#[cfg(all(test, target_os = "linux"))]
mod service;
#[cfg(test)]
mod show;
#[cfg(test)]
mod site;
#[cfg(test)]
mod stays;
#[cfg(test)]
mod support;
#[cfg(test)]
mod there;
#[cfg(test)]
mod told;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod truth;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod web;

//! Policy files made up line by line, and what must hold whatever they say.

use arbitrary::{Arbitrary, Unstructured};

use super::{OriginArg, READERS, Rules, parse};

#[derive(Debug, Arbitrary)]
enum Line {
    Mode(u8),
    Readers(i64),
    Rate { number: u32, unit: u8 },
    Isolated(u8),
    Hours(Vec<(u8, u8, u8, u8)>),
    Group(String),
    Class(u8),
    Guard(u8),
    NoLimit(Vec<([u8; 4], u8)>),
    Text { key: u8, value: String },
    Unknown(String),
    Raw(String),
}

fn one<'a>(of: &[&'a str], which: u8) -> &'a str {
    of.get(usize::from(which) % of.len())
        .copied()
        .unwrap_or_default()
}

fn quoted(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    let plain: String = plain.collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

fn written(line: &Line) -> String {
    match line {
        Line::Mode(which) => {
            let mode = one(&["protect", "fast", "never", "always"], *which);
            format!("mode = \"{mode}\"")
        }
        Line::Readers(number) => format!("readers = {number}"),
        Line::Rate { number, unit } => {
            let unit = one(&["", "K", "M", "MiB", "Mbit", "Gbit/s", "X"], *unit);
            format!("rate = \"{number}{unit}\"")
        }
        Line::Isolated(which) => {
            let word = one(&["wait", "trickle", "read", "run"], *which);
            format!("isolated = \"{word}\"")
        }
        Line::Hours(spans) => {
            let span = |(a, b, c, d): &(u8, u8, u8, u8)| format!("\"{a:02}:{b:02}-{c:02}:{d:02}\"");
            let spans: Vec<_> = spans.iter().take(9).map(span).collect();
            format!("hours = [{}]", spans.join(", "))
        }
        Line::Group(name) => format!("group = {}", quoted(name)),
        Line::Class(which) => {
            let class = one(&["wired", "wifi", "vpn", "metered", "battery", "?"], *which);
            format!("class = \"{class}\"")
        }
        Line::Guard(which) => format!("guard = \"{}\"", one(&["auto", "off", "on"], *which)),
        Line::NoLimit(nets) => {
            let net = |([a, b, c, d], bits): &([u8; 4], u8)| format!("\"{a}.{b}.{c}.{d}/{bits}\"");
            let nets: Vec<_> = nets.iter().take(9).map(net).collect();
            format!("no-limit = [{}]", nets.join(", "))
        }
        Line::Text { key, value } => {
            let keys = [
                "mode", "rate", "isolated", "hours", "group", "class", "guard", "no-limit",
            ];
            format!("{} = {}", one(&keys, *key), quoted(value))
        }
        Line::Unknown(key) => format!(
            "x-{} = 1",
            key.replace(|c: char| !c.is_ascii_alphanumeric(), "")
        ),
        Line::Raw(text) => text.clone(),
    }
}

/// Any policy file: it is refused as a whole, or each of its rules is in bounds; and with flags beside it the stricter holds.
pub(crate) fn check(bytes: &[u8]) {
    let Ok((strict, lines)) = <(u8, Vec<Line>)>::arbitrary_take_rest(Unstructured::new(bytes))
    else {
        return;
    };
    let text: Vec<_> = lines.iter().map(written).collect();
    let Ok(rules) = parse(&text.join("\n")) else {
        return;
    };
    let is_unknown = |line: &Line| matches!(line, Line::Unknown(_) | Line::Readers(..=0));
    let hides = lines.iter().any(|line| matches!(line, Line::Raw(_)));
    assert!(
        hides || !lines.iter().any(is_unknown),
        "{text:?} is obeyed in part"
    );
    assert!(
        rules
            .readers
            .is_none_or(|readers| READERS.contains(&readers))
    );
    assert!(rules.rate.is_none_or(|rate| rate > 0));
    let group = rules.group.as_ref().map_or(0, String::len);
    assert!(group <= swarmcopy::GROUP_LEN_MAX);
    let flag = match strict % 3 {
        0 => OriginArg::Fast,
        1 => OriginArg::Protect,
        _ => OriginArg::Never,
    };
    let (file, readers) = (rules.mode, rules.readers);
    let flags = Rules {
        mode: Some(flag),
        readers: Some(2),
        ..Rules::default()
    };
    let both = flags.and(rules).unwrap_or_default();
    let least = file.map_or(0, OriginArg::strictness).max(flag.strictness());
    assert_eq!(both.mode.map(OriginArg::strictness), Some(least));
    assert_eq!(both.readers, Some(readers.map_or(2, |it| it.min(2))));
}

#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn any_policy_file_is_refused_or_obeyed_and_the_stricter_holds() {
        replay("policy_file", super::check);
    }
}

//! The machines that ought to be there.

/// Most machines that may be expected.
pub const EXPECTED_MAX: usize = 5000;
/// Longest name of a machine, in bytes.
const NAME_LEN_MAX: usize = 48;

/// Names of machines are the same whatever the case of their letters, as names of computers are.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The names in a list of expected machines: one a line, `#` begins a remark.
///
/// # Errors
/// What is wrong with the list.
pub fn expected_names(text: &str) -> Result<Vec<String>, String> {
    let lines = text.lines();
    let names = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(long) = names.iter().find(|name| name.len() > NAME_LEN_MAX) {
        let start: String = long.chars().take(20).collect();
        return Err(format!(
            "{start}.. is longer than the {NAME_LEN_MAX} bytes of a name"
        ));
    }
    names.sort_by_key(|name| name.to_ascii_lowercase());
    names.dedup_by(|one, other| is_same_name(one, other));
    if names.len() > EXPECTED_MAX {
        return Err(format!(
            "it has {} names, more than {EXPECTED_MAX}",
            names.len()
        ));
    }
    Ok(names)
}

//! Names of folders that hold one run each.

use event_log::Timestamp;

/// Sorts by time: `2026-11-21T071503Z-ab12cd`.
pub(crate) fn dated_name(run_id: &str) -> String {
    let now = Timestamp::now().to_string();
    let seconds: String = now
        .chars()
        .take("2026-11-21T07:15:03".len())
        .filter(|c| *c != ':')
        .collect();
    let short_id: String = run_id.chars().take(6).collect();
    format!("{seconds}Z-{short_id}")
}

/// Whether a folder is named as [`dated_name`] does it, so that nothing else is ever removed.
pub(crate) fn is_dated_name(name: &str) -> bool {
    let pattern = "dddd-dd-ddTddddddZ-";
    name.len() > pattern.len()
        && name
            .bytes()
            .zip(pattern.bytes())
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        assert!(is_dated_name(&dated_name("0123456789abcdef")));
        for name in [
            "",
            "latest",
            "2026-11-21",
            "2026-11-21T071503Z-",
            "notes-of-tuesday-the-21st",
        ] {
            assert!(!is_dated_name(name), "{name}");
        }
    }

    #[test]
    fn names_sort_by_time_and_tell_the_run() {
        let name = dated_name("0123456789");
        assert!(name.ends_with("Z-012345") && !name.contains(':'), "{name}");
    }
}

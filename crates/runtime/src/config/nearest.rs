//! The known name most like a misspelt one.

/// Most edits at which a name is still offered: enough for a swapped or missing letter and a forgotten `s`.
const MAX_EDITS: usize = 3;

/// The candidate with the fewest edits to `name`, when that is at most [`MAX_EDITS`] and less than half the name.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= MAX_EDITS && edits * 2 < name.chars().count().max(2))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("kitten", "sitting", 3),
            ("rate", "rat", 1),
            ("", "abc", 3),
        ] {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn offers_a_typo_but_not_a_stranger() {
        let known = ["messages", "interval", "service-node"];
        assert_eq!(nearest("mesages", known), Some("messages"));
        assert_eq!(nearest("service-nodes", known), Some("service-node"));
        assert_eq!(nearest("colour", known), None);
    }
}

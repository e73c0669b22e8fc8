//! The word somebody meant.

/// Most changes between what was written and what is offered.
const MAX_CHANGES: usize = 3;

/// Longest word that is compared, characters: nobody means a known word by a longer one.
const MAX_WORD_CHARS: usize = 64;

/// The known word that is nearest to `word`, if one is near; of equals the first.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.chars().count() > MAX_WORD_CHARS {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (changes(&word, candidate), candidate))
        .filter(|(changes, candidate)| *changes <= MAX_CHANGES && *changes < candidate.chars().count())
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements from `a` to `b`.
fn changes(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["loss", "lost", "latency", "duplicates"];
        for (word, found) in [
            ("los", Some("loss")),
            ("Latncy", Some("latency")),
            ("duplicate", Some("duplicates")),
            ("", None),
            ("xyz", None),
            ("throughput", None),
        ] {
            assert_eq!(nearest(word, known), found, "{word}");
        }
    }

    #[test]
    fn changes_are_counted() {
        for (a, b, count) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(changes(a, b), count);
        }
    }
}

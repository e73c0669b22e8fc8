//! How long to wait before a store is asked again.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longest pause that a store is granted: the minute in which most rate limits are counted. One that asks for longer is
/// asked again all the same, so that a bad clock or a bad proxy does not hold up a pipeline for hours.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The pause that an answer asks for, in seconds or up to a date (RFC 9110, 10.2.3), at most [`MAX_RETRY_AFTER`].
pub(super) fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is more than is granted.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        // By the clock of the store, where it tells it.
        let told = headers.get(DATE).and_then(|date| date.to_str().ok());
        let now = told.and_then(|date| httpdate::parse_http_date(date).ok());
        until
            .duration_since(now.unwrap_or_else(SystemTime::now))
            .unwrap_or_default()
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn asked(retry_after: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        asked_pause(&headers)
    }

    #[test]
    fn seconds_and_dates_are_pauses() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let date = Some("Sat, 31 Jan 2026 12:00:00 GMT");
        assert_eq!(asked("7", date), seconds(7));
        assert_eq!(asked("0", None), seconds(0));
        assert_eq!(asked("Sat, 31 Jan 2026 12:00:09 GMT", date), seconds(9));
        assert_eq!(asked("Sat, 31 Jan 2026 11:59:00 GMT", date), seconds(0), "is over");
        assert_eq!(
            asked("Sat, 31 Jan 2026 12:00:00 GMT", None),
            seconds(0),
            "is over by our clock"
        );
    }

    #[test]
    fn too_long_is_capped_and_nonsense_is_none() {
        for long in ["86400", "99999999999999999999999", "Fri, 31 Dec 2100 12:00:00 GMT"] {
            assert_eq!(asked(long, None), Some(MAX_RETRY_AFTER), "{long}");
        }
        for nonsense in ["soon", "-1", "1.5", "2026-01-31T12:00:00Z"] {
            assert_eq!(asked(nonsense, None), None, "{nonsense}");
        }
        assert_eq!(asked_pause(&HeaderMap::new()), None);
    }
}

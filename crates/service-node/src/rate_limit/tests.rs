use proptest::prelude::*;

use super::*;

fn limiter(text: &str) -> (PeerRateLimiter, Instant) {
    (PeerRateLimiter::new(Some(text.parse().unwrap())), Instant::now())
}

fn admitted(limiter: &PeerRateLimiter, peer: PeerId, tries: u32, now: Instant) -> u32 {
    (0..tries).map(|_| u32::from(limiter.admit(peer, now))).sum()
}

#[test]
fn limits_are_written_as_nwaku_writes_them() {
    for (text, volume, period_ms) in [("30/1m", 30, 60_000), ("100/1s", 100, 1_000), ("3/500ms", 3, 500)] {
        let limit = RateLimit::new(volume, Duration::from_millis(period_ms)).unwrap();
        assert_eq!(text.parse(), Ok(limit));
        assert_eq!(limit.to_string(), text);
    }
    assert_eq!("5/60s".parse::<RateLimit>().unwrap().to_string(), "5/1m");
    assert_eq!(RateLimit::FILTER_DEFAULT.to_string(), "30/1m");
}

#[test]
fn bad_limits_are_refused_by_part() {
    let parse = str::parse::<RateLimit>;
    for text in ["", "30", "30/", "30/m", "30/1", "30/-1m"] {
        assert_eq!(
            parse(text),
            Err(RateLimitError::Form { text: text.to_owned() }),
            "{text}"
        );
    }
    for text in ["0/1m", "x/1m", "-1/1m", "4294967296/1s", "/1m"] {
        assert!(matches!(parse(text), Err(RateLimitError::Volume { .. })), "{text}");
    }
    assert_eq!(parse("1/1d"), Err(RateLimitError::Unit { unit: "d".to_owned() }));
    for text in ["1/0s", "1/25h", "1/99999999999999999999s", "1/18446744073709551615h"] {
        assert!(matches!(parse(text), Err(RateLimitError::Period { .. })), "{text}");
    }
    assert!(RateLimit::new(1, Duration::from_micros(1_500)).is_err());
}

#[test]
fn a_burst_is_admitted_and_then_one_request_per_refilled_token() {
    let (limiter, start) = limiter("30/1m");
    let peer = PeerId::random();
    assert_eq!(admitted(&limiter, peer, 40, start), 30);
    let almost = start + Duration::from_nanos(1_999_999_999);
    assert!(!limiter.admit(peer, almost));
    let token_later = start + Duration::from_secs(2);
    assert_eq!(admitted(&limiter, peer, 5, token_later), 1);
    let full_again = token_later + Duration::from_secs(60);
    assert_eq!(admitted(&limiter, peer, 100, full_again), 30);
}

#[test]
fn a_token_that_is_no_whole_number_of_nanoseconds_is_still_exact() {
    let (limiter, start) = limiter("3/1s");
    let peer = PeerId::random();
    assert_eq!(admitted(&limiter, peer, 4, start), 3);
    assert!(!limiter.admit(peer, start + Duration::from_nanos(333_333_333)));
    assert!(limiter.admit(peer, start + Duration::from_nanos(333_333_334)));
    assert!(!limiter.admit(peer, start + Duration::from_nanos(666_666_666)));
    assert!(limiter.admit(peer, start + Duration::from_nanos(666_666_667)));
}

#[test]
fn peers_have_buckets_of_their_own() {
    let (limiter, start) = limiter("1/1m");
    let (first, second) = (PeerId::random(), PeerId::random());
    assert!(limiter.admit(first, start));
    assert!(!limiter.admit(first, start));
    assert!(limiter.admit(second, start));
}

#[test]
fn without_a_limit_everything_is_admitted_and_nothing_remembered() {
    let limiter = PeerRateLimiter::new(None);
    assert_eq!(admitted(&limiter, PeerId::random(), 1_000, Instant::now()), 1_000);
    assert_eq!(limiter.remembered_count(), 0);
}

#[test]
fn full_buckets_are_forgotten() {
    let (limiter, start) = limiter("2/1s");
    for _ in 0..100 {
        assert!(limiter.admit(PeerId::random(), start));
    }
    assert_eq!(limiter.remembered_count(), 100);
    assert!(limiter.admit(PeerId::random(), start + Duration::from_secs(1)));
    assert_eq!(limiter.remembered_count(), 1);
    assert_eq!(limiter.forgotten_early_count(), 0);
}

#[test]
fn made_up_peers_cannot_grow_the_table_nor_free_an_exhausted_peer() {
    let (limiter, start) = limiter("2/1h");
    let greedy = PeerId::random();
    assert_eq!(admitted(&limiter, greedy, 3, start), 2);
    for _ in 0..REMEMBERED_PEERS_MAX + 10 {
        limiter.admit(PeerId::random(), start);
    }
    assert_eq!(limiter.remembered_count(), REMEMBERED_PEERS_MAX);
    assert_eq!(limiter.forgotten_early_count(), 11);
    assert!(!limiter.admit(greedy, start));
}

#[test]
fn limits_that_cannot_be_parsed_are_still_displayed_and_mean_something() {
    let zero = |volume| RateLimit {
        volume,
        period: Duration::ZERO,
    };
    assert_eq!(zero(5).to_string(), "5/0ns");
    assert_eq!(
        RateLimit {
            volume: 5,
            period: Duration::from_micros(1_500)
        }
        .to_string(),
        "5/1.5ms"
    );
    assert!(PeerRateLimiter::new(Some(zero(5))).admit(PeerId::random(), Instant::now()));
    assert!(!PeerRateLimiter::new(Some(zero(0))).admit(PeerId::random(), Instant::now()));
    let largest = RateLimit {
        volume: u32::MAX,
        period: Duration::MAX,
    };
    assert!(PeerRateLimiter::new(Some(largest)).admit(PeerId::random(), Instant::now()));
}

#[test]
fn time_running_backwards_grants_nothing() {
    let (limiter, start) = limiter("1/1s");
    let peer = PeerId::random();
    assert!(limiter.admit(peer, start + Duration::from_secs(5)));
    assert!(!limiter.admit(peer, start));
}

proptest! {
    #[test]
    fn display_parses_back(volume in 1_u32.., period_ms in 1_u64..=86_400_000) {
        let limit = RateLimit::new(volume, Duration::from_millis(period_ms)).unwrap();
        prop_assert_eq!(limit.to_string().parse(), Ok(limit));
    }

    #[test]
    fn any_text_parses_or_fails_without_panic(text in "[0-9]{0,21}/?[0-9]{0,21}.{0,3}") {
        let _ = text.parse::<RateLimit>();
    }

    /// Against a bucket of rational tokens, kept in units of 1 / period of a token.
    #[test]
    fn equals_a_token_bucket(volume in 1_u32..8, period_ms in 1_u64..50, steps_ns in prop::collection::vec(0_u64..20_000_000, 1..200)) {
        let period = Duration::from_millis(period_ms);
        let limiter = PeerRateLimiter::new(Some(RateLimit::new(volume, period).unwrap()));
        let (peer, mut now) = (PeerId::random(), Instant::now());
        let token = period.as_nanos();
        let capacity = token * u128::from(volume);
        let mut level = capacity;
        for step_ns in steps_ns {
            now += Duration::from_nanos(step_ns);
            level = capacity.min(level + u128::from(step_ns) * u128::from(volume));
            let expected = level >= token;
            level -= if expected { token } else { 0 };
            prop_assert_eq!(limiter.admit(peer, now), expected);
        }
    }
}
